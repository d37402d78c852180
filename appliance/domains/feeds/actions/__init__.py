"""Who listens to a linked number, and what is kept for them to be told. The caller owns the transaction."""

from appliance.domains.feeds.actions.instances import (
    begin_link,
    create_instance,
    delete_instance,
    log_out,
    send_media,
    send_text,
    set_webhook,
)
from appliance.domains.feeds.actions.listening import (
    drop_feed,
    note_told,
    note_trouble,
    prune,
    renew_secret,
    set_feed,
    switch_off,
)
from appliance.domains.feeds.actions.telling import body_for, keep, keep_connection, tell, try_out

__all__ = [
    "begin_link",
    "body_for",
    "create_instance",
    "delete_instance",
    "drop_feed",
    "keep",
    "keep_connection",
    "log_out",
    "note_told",
    "note_trouble",
    "prune",
    "renew_secret",
    "send_media",
    "send_text",
    "set_feed",
    "set_webhook",
    "switch_off",
    "tell",
    "try_out",
]
