"""Meta's webhook of the field “leadgen”: it names leads and says nothing of them.

https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving#webhooks
"""

import re
from collections.abc import Iterator
from itertools import islice

MAX_CHANGES = 1000  # Meta sends no more updates in one webhook
_ID = re.compile(r"\d{1,40}\Z")


def leadgen_ids(payload: object) -> list[str]:
    """Once each, in order, of the first MAX_CHANGES; what is of another kind or shape is left out."""
    return list(dict.fromkeys(found for found in map(str, islice(_named(payload), MAX_CHANGES)) if _ID.match(found)))


def _named(payload: object) -> Iterator[object]:
    for entry in _list(payload, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value") if isinstance(change, dict) and change.get("field") == "leadgen" else None
            if isinstance(value, dict):
                yield value.get("leadgen_id")


def _list(holder: object, name: str) -> list[object]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []
