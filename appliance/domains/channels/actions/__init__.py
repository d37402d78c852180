"""Everything that changes a channel, and what comes and goes through it. The caller owns the transaction."""

from appliance.domains.channels.actions.by_agent import begin_link_of_agent, write_over, write_to
from appliance.domains.channels.actions.charging import expect_charge, note_charge
from appliance.domains.channels.actions.checking import check_connection
from appliance.domains.channels.actions.confirming import ask_again, ask_by_mail, put_link_in, withdraw_overtaken
from appliance.domains.channels.actions.envelopes import keep_envelopes, read_envelopes
from appliance.domains.channels.actions.erasing import erase_contact
from appliance.domains.channels.actions.leaving import check_reader, unsubscribe
from appliance.domains.channels.actions.linking import (
    accept_risk,
    begin_link,
    count,
    end_link,
    forget_keys,
    keep_store,
    leave_untold,
    note_alive,
    note_closed,
    note_open,
    note_stopped,
    prune_days,
    put_off_leaving,
    show_connecting,
    show_pairing,
    show_qr,
    unlink,
)
from appliance.domains.channels.actions.mail_keys import (
    add_mail_key,
    drop_mail_key,
    look_up_mail_key,
    make_mail_key,
    sign_with,
    stop_signing,
)
from appliance.domains.channels.actions.mailboxes import note_looked, note_mailbox_trouble, open_mailbox, put_aside_mail, take_in_mail
from appliance.domains.channels.actions.mailing import begin_mail
from appliance.domains.channels.actions.members import find_mentioned, may_name_members, note_group, number_members
from appliance.domains.channels.actions.moving import move_to_cloud
from appliance.domains.channels.actions.offering import send_template
from appliance.domains.channels.actions.posting import (
    close_letterbox,
    fill_senders,
    keep_letters,
    open_letterbox,
    prune_letters,
    put_aside_posted,
    take_in_posted,
)
from appliance.domains.channels.actions.pricing import forget_prices, import_rate_card, replace_prices
from appliance.domains.channels.actions.receive import confirm_webhook, receive_changes, receive_simulated
from appliance.domains.channels.actions.rejected import keep_rejected, prune_rejected
from appliance.domains.channels.actions.samples import drop_sample, keep_sample, take_sample
from appliance.domains.channels.actions.send import (
    heed_put_back,
    note_failure,
    note_refusal,
    note_refused_message,
    note_success,
    set_aside_stale,
    take_turn,
)
from appliance.domains.channels.actions.setup import change_channel, create_channel, delete_channel
from appliance.domains.channels.actions.telling import tell_failed, tell_sent
from appliance.domains.channels.actions.templates import (
    change_template,
    create_template,
    delete_template,
    note_not_submitted,
    note_submitted,
    submit_template,
    sync_templates,
    wanted_of,
)
from appliance.domains.channels.actions.tracking import check_sign, note_read
from appliance.domains.channels.actions.visiting import (
    client_id_of,
    note_seen,
    receive_visitor,
    recognise_visitor,
    show_writing,
    welcome_visitor,
)
from appliance.domains.channels.actions.writing import begin_whatsapp, react

__all__ = [
    "accept_risk",
    "add_mail_key",
    "ask_again",
    "ask_by_mail",
    "begin_link",
    "begin_link_of_agent",
    "begin_mail",
    "begin_whatsapp",
    "change_channel",
    "change_template",
    "check_connection",
    "check_reader",
    "check_sign",
    "client_id_of",
    "close_letterbox",
    "confirm_webhook",
    "count",
    "create_channel",
    "create_template",
    "delete_channel",
    "delete_template",
    "drop_mail_key",
    "drop_sample",
    "end_link",
    "erase_contact",
    "expect_charge",
    "fill_senders",
    "find_mentioned",
    "forget_keys",
    "forget_prices",
    "heed_put_back",
    "import_rate_card",
    "keep_envelopes",
    "keep_letters",
    "keep_rejected",
    "keep_sample",
    "keep_store",
    "leave_untold",
    "look_up_mail_key",
    "make_mail_key",
    "may_name_members",
    "move_to_cloud",
    "note_alive",
    "note_charge",
    "note_closed",
    "note_failure",
    "note_group",
    "note_looked",
    "note_mailbox_trouble",
    "note_not_submitted",
    "note_open",
    "note_read",
    "note_refusal",
    "note_refused_message",
    "note_seen",
    "note_stopped",
    "note_submitted",
    "note_success",
    "number_members",
    "open_letterbox",
    "open_mailbox",
    "prune_days",
    "prune_letters",
    "prune_rejected",
    "put_aside_mail",
    "put_aside_posted",
    "put_link_in",
    "put_off_leaving",
    "react",
    "read_envelopes",
    "receive_changes",
    "receive_simulated",
    "receive_visitor",
    "recognise_visitor",
    "replace_prices",
    "send_template",
    "set_aside_stale",
    "show_connecting",
    "show_pairing",
    "show_qr",
    "show_writing",
    "sign_with",
    "stop_signing",
    "submit_template",
    "sync_templates",
    "take_in_mail",
    "take_in_posted",
    "take_sample",
    "take_turn",
    "tell_failed",
    "tell_sent",
    "unlink",
    "unsubscribe",
    "wanted_of",
    "welcome_visitor",
    "withdraw_overtaken",
    "write_over",
    "write_to",
]
