from appliance.domains.feeds.queries.happenings import connection_of, find_named_message, happening_of, said_of
from appliance.domains.feeds.queries.listeners import (
    EVENTS,
    Due,
    find_due,
    find_feed,
    find_told_by_id,
    get_feed,
    get_instance,
    get_trial,
    instance_of,
    list_after,
    lock_feed,
)

__all__ = [
    "EVENTS",
    "Due",
    "connection_of",
    "find_due",
    "find_feed",
    "find_named_message",
    "find_told_by_id",
    "get_feed",
    "get_instance",
    "get_trial",
    "happening_of",
    "instance_of",
    "list_after",
    "lock_feed",
    "said_of",
]
