"""Everything that changes a conversation. The caller owns the transaction."""

from appliance.domains.conversations.actions.aside import restore, set_pending, snooze, wake
from appliance.domains.conversations.actions.blocking import block, unblock
from appliance.domains.conversations.actions.chosen import chosen_media, content_of
from appliance.domains.conversations.actions.deliver import (
    apply_status,
    begin_sending,
    confirm_sent,
    fail_stale,
    give_back,
    heed_put_back,
    hold_until,
    mark_failed,
    mark_unconfirmed,
    note_waiting,
    retry_message,
)
from appliance.domains.conversations.actions.drafts import keep_draft
from appliance.domains.conversations.actions.expecting import say_expected, tell_expected
from appliance.domains.conversations.actions.filing import change_label, change_labels, create_label, delete_label
from appliance.domains.conversations.actions.follow import erase_contact, move_conversations, move_conversations_back, move_to_kind
from appliance.domains.conversations.actions.handle import (
    assign,
    hand_back,
    hand_off,
    mark_read,
    remind_of_waiting,
    reopen,
    resolve,
    take_over,
)
from appliance.domains.conversations.actions.hear import heard_nothing, keep_words, write_down
from appliance.domains.conversations.actions.heed import keep_reading
from appliance.domains.conversations.actions.linked import begin, queue_again, record_echo, withdraw, write_first, write_from_box
from appliance.domains.conversations.actions.listen import go_on_listening
from appliance.domains.conversations.actions.notices import announce, drop_channel_down, forget_old_notices, mark_seen, tell_channel_down
from appliance.domains.conversations.actions.promises import set_priority, tell_due
from appliance.domains.conversations.actions.react import react
from appliance.domains.conversations.actions.ready import (
    change_macro,
    change_quick_reply,
    create_macro,
    create_quick_reply,
    delete_macro,
    delete_quick_reply,
    run_macro,
)
from appliance.domains.conversations.actions.receive import attach_media, receive_messages
from appliance.domains.conversations.actions.revise import revise, reword
from appliance.domains.conversations.actions.service_levels import change_policy, create_policy, delete_policy
from appliance.domains.conversations.actions.sightings import note_fetched, note_followed, note_opened
from appliance.domains.conversations.actions.speak import add_note, note_answered, queue_agent_reply, queue_notice, reply
from appliance.domains.conversations.actions.stop import keep_silence
from appliance.domains.conversations.actions.summaries import keep_summary
from appliance.domains.conversations.actions.surveys import ask, rate, set_survey
from appliance.domains.conversations.actions.teams import call_person, change_team, create_team, deal_waiting, delete_team, give_to_team
from appliance.domains.conversations.actions.views import change_view, create_view, delete_view

__all__ = [
    "add_note",
    "announce",
    "apply_status",
    "ask",
    "assign",
    "attach_media",
    "begin",
    "begin_sending",
    "block",
    "call_person",
    "change_label",
    "change_labels",
    "change_macro",
    "change_policy",
    "change_quick_reply",
    "change_team",
    "change_view",
    "chosen_media",
    "confirm_sent",
    "content_of",
    "create_label",
    "create_macro",
    "create_policy",
    "create_quick_reply",
    "create_team",
    "create_view",
    "deal_waiting",
    "delete_label",
    "delete_macro",
    "delete_policy",
    "delete_quick_reply",
    "delete_team",
    "delete_view",
    "drop_channel_down",
    "erase_contact",
    "fail_stale",
    "forget_old_notices",
    "give_back",
    "give_to_team",
    "go_on_listening",
    "hand_back",
    "hand_off",
    "heard_nothing",
    "heed_put_back",
    "hold_until",
    "keep_draft",
    "keep_reading",
    "keep_silence",
    "keep_summary",
    "keep_words",
    "mark_failed",
    "mark_read",
    "mark_seen",
    "mark_unconfirmed",
    "move_conversations",
    "move_conversations_back",
    "move_to_kind",
    "note_answered",
    "note_fetched",
    "note_followed",
    "note_opened",
    "note_waiting",
    "queue_again",
    "queue_agent_reply",
    "queue_notice",
    "rate",
    "react",
    "receive_messages",
    "record_echo",
    "remind_of_waiting",
    "reopen",
    "reply",
    "resolve",
    "restore",
    "retry_message",
    "revise",
    "reword",
    "run_macro",
    "say_expected",
    "set_pending",
    "set_priority",
    "set_survey",
    "snooze",
    "take_over",
    "tell_channel_down",
    "tell_due",
    "tell_expected",
    "unblock",
    "wake",
    "withdraw",
    "write_down",
    "write_first",
    "write_from_box",
]
