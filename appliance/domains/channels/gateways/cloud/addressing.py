"""The outside of a webhook: which numbers it is about, taken apart without reading what people wrote."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAX_DEPTH = 64  # what Meta sends is less than ten deep
OF_ACCOUNTS = ("message_template_", "template_")  # fields that name no number
Raw = Mapping[str, Any]


def is_too_deep(body: str, payload: object) -> bool:
    """Lists and objects inside each other as only an attack sends them."""
    return body.count("[") + body.count("{") > MAX_DEPTH and _exceeds(payload, MAX_DEPTH)


def _exceeds(value: object, depth: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth < 0 or any(_exceeds(item, depth - 1) for item in inner)


def ends_of(payload: Raw) -> list[str]:
    """What each change is about, in order: a phone number id, or an account (`account_end`) where no number is named."""
    return [_end_of(entry, change) for entry, change in _changes(payload)]


def values_of(payload: Raw) -> Iterator[tuple[str, Raw, object]]:
    """Field and value of each change, and when its entry was sent."""
    return ((str(change.get("field", "")), change["value"], entry.get("time")) for entry, change in _changes(payload))


def where(payload: Raw, wanted: Callable[[int, str], bool]) -> dict[str, Any]:
    """The same webhook with those of its changes that are wanted, by their place in it and the end they are about."""
    changes = enumerate(_changes(payload))
    kept = [(entry, change) for place, (entry, change) in changes if wanted(place, _end_of(entry, change))]
    entries = [{**{name: entry[name] for name in ("id", "time") if name in entry}, "changes": [change]} for entry, change in kept]
    return {"object": payload.get("object"), "entry": entries}


def account_end(account_id: str) -> str:
    """How a WhatsApp business account is called beside phone number ids."""
    return f"account:{account_id}"


def _end_of(entry: Raw, change: Raw) -> str:
    value = change["value"]
    metadata = value.get("metadata")
    number = str(metadata.get("phone_number_id", "")) if isinstance(metadata, dict) else ""
    is_of_account = not number and str(change.get("field", "")).startswith(OF_ACCOUNTS)
    return account_end(str(entry.get("id", ""))) if is_of_account else number


def dicts(value: object) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _changes(payload: Raw) -> Iterator[tuple[Raw, Raw]]:
    for entry in dicts(payload.get("entry")):
        for change in dicts(entry.get("changes")):
            if isinstance(change.get("value"), dict):
                yield entry, change
