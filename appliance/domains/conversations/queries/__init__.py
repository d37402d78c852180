"""Reads of conversations: the inbox list, one thread, what waits to be answered or sent."""

from appliance.domains.conversations.queries.figures import DayFigures, list_days, list_waiting
from appliance.domains.conversations.queries.inbox import (
    Counts,
    InboxFilter,
    count_holders,
    count_inbox,
    list_conversations,
    list_overdue,
    list_tenants_with_waiting,
)
from appliance.domains.conversations.queries.privacy import export_contact
from appliance.domains.conversations.queries.thread import (
    count_agent_replies,
    find_by_provider_id,
    get_conversation,
    get_message,
    get_thread,
    has_conversations,
    is_from_contact,
    list_messages,
    list_recent,
    list_stuck,
    list_unanswered,
    lock_conversation,
    lock_message,
    text_of,
    thread_key,
)
from appliance.domains.conversations.tables import Conversation, Message

__all__ = [
    "Conversation",
    "Counts",
    "DayFigures",
    "InboxFilter",
    "Message",
    "count_agent_replies",
    "count_holders",
    "count_inbox",
    "export_contact",
    "find_by_provider_id",
    "get_conversation",
    "get_message",
    "get_thread",
    "has_conversations",
    "is_from_contact",
    "list_conversations",
    "list_days",
    "list_messages",
    "list_overdue",
    "list_recent",
    "list_stuck",
    "list_tenants_with_waiting",
    "list_unanswered",
    "list_waiting",
    "lock_conversation",
    "lock_message",
    "text_of",
    "thread_key",
]
