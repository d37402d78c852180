"""Everything that changes a channel, and what comes and goes through it. The caller owns the transaction."""

from appliance.domains.channels.actions.by_agent import begin_link_of_agent, write_to
from appliance.domains.channels.actions.checking import check_connection
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
    note_alive,
    note_closed,
    note_open,
    note_stopped,
    show_connecting,
    show_pairing,
    show_qr,
    unlink,
)
from appliance.domains.channels.actions.mailboxes import note_looked, note_mailbox_trouble, open_mailbox, put_aside_mail, take_in_mail
from appliance.domains.channels.actions.receive import confirm_webhook, receive_changes, receive_simulated
from appliance.domains.channels.actions.rejected import keep_rejected, prune_rejected
from appliance.domains.channels.actions.send import note_failure, note_refusal, note_refused_message, note_success, take_turn
from appliance.domains.channels.actions.setup import change_channel, create_channel, delete_channel
from appliance.domains.channels.actions.visiting import client_id_of, note_seen, receive_visitor, recognise_visitor, welcome_visitor

__all__ = [
    "accept_risk",
    "begin_link",
    "begin_link_of_agent",
    "change_channel",
    "check_connection",
    "check_reader",
    "client_id_of",
    "confirm_webhook",
    "count",
    "create_channel",
    "delete_channel",
    "end_link",
    "erase_contact",
    "forget_keys",
    "keep_envelopes",
    "keep_rejected",
    "keep_store",
    "note_alive",
    "note_closed",
    "note_failure",
    "note_looked",
    "note_mailbox_trouble",
    "note_open",
    "note_refusal",
    "note_refused_message",
    "note_seen",
    "note_stopped",
    "note_success",
    "open_mailbox",
    "prune_rejected",
    "put_aside_mail",
    "read_envelopes",
    "receive_changes",
    "receive_simulated",
    "receive_visitor",
    "recognise_visitor",
    "show_connecting",
    "show_pairing",
    "show_qr",
    "take_in_mail",
    "take_turn",
    "unlink",
    "unsubscribe",
    "welcome_visitor",
    "write_to",
]
