"""Everything that changes a conversation. The caller owns the transaction."""

from appliance.domains.conversations.actions.aside import restore, set_pending, snooze, wake
from appliance.domains.conversations.actions.deliver import (
    apply_status,
    begin_sending,
    confirm_sent,
    give_back,
    hold_until,
    mark_failed,
    mark_unconfirmed,
    retry_message,
)
from appliance.domains.conversations.actions.filing import change_label, change_labels, create_label, delete_label
from appliance.domains.conversations.actions.follow import erase_contact, move_conversations, move_conversations_back
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
from appliance.domains.conversations.actions.linked import queue_again, record_echo, write_first
from appliance.domains.conversations.actions.notices import announce, forget_old_notices, mark_seen
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
from appliance.domains.conversations.actions.speak import add_note, note_answered, queue_agent_reply, queue_notice, reply
from appliance.domains.conversations.actions.teams import change_team, create_team, deal_waiting, delete_team, give_to_team

__all__ = [
    "add_note",
    "announce",
    "apply_status",
    "assign",
    "attach_media",
    "begin_sending",
    "change_label",
    "change_labels",
    "change_macro",
    "change_quick_reply",
    "change_team",
    "confirm_sent",
    "create_label",
    "create_macro",
    "create_quick_reply",
    "create_team",
    "deal_waiting",
    "delete_label",
    "delete_macro",
    "delete_quick_reply",
    "delete_team",
    "erase_contact",
    "forget_old_notices",
    "give_back",
    "give_to_team",
    "hand_back",
    "hand_off",
    "hold_until",
    "mark_failed",
    "mark_read",
    "mark_seen",
    "mark_unconfirmed",
    "move_conversations",
    "move_conversations_back",
    "note_answered",
    "queue_again",
    "queue_agent_reply",
    "queue_notice",
    "receive_messages",
    "record_echo",
    "remind_of_waiting",
    "reopen",
    "reply",
    "resolve",
    "restore",
    "retry_message",
    "run_macro",
    "set_pending",
    "snooze",
    "take_over",
    "wake",
    "write_first",
]
