"""Everything that changes a conversation. The caller owns the transaction."""

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
from appliance.domains.conversations.actions.filing import change_labels
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
from appliance.domains.conversations.actions.notices import forget_old_notices
from appliance.domains.conversations.actions.receive import attach_media, receive_messages
from appliance.domains.conversations.actions.speak import add_note, note_answered, queue_agent_reply, queue_notice, reply

__all__ = [
    "add_note",
    "apply_status",
    "assign",
    "attach_media",
    "begin_sending",
    "change_labels",
    "confirm_sent",
    "erase_contact",
    "forget_old_notices",
    "give_back",
    "hand_back",
    "hand_off",
    "hold_until",
    "mark_failed",
    "mark_read",
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
    "retry_message",
    "take_over",
    "write_first",
]
