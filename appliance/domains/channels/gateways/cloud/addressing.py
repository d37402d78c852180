"""The outside of a webhook: which numbers it is about, taken apart without reading what people wrote."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAX_DEPTH = 64  # what Meta sends is less than ten deep
Raw = Mapping[str, Any]


def is_too_deep(body: str, payload: object) -> bool:
    """Lists and objects inside each other as only an attack sends them."""
    return body.count("[") + body.count("{") > MAX_DEPTH and _exceeds(payload, MAX_DEPTH)


def _exceeds(value: object, depth: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth < 0 or any(_exceeds(item, depth - 1) for item in inner)


def numbers_of(payload: Raw) -> list[str]:
    """The phone number id of each change, in order."""
    return [number_of(change["value"]) for _entry, change in _changes(payload)]


def values_of(payload: Raw) -> Iterator[tuple[str, Raw]]:
    """Field and value of each change."""
    return ((str(change.get("field", "")), change["value"]) for _entry, change in _changes(payload))


def where(payload: Raw, wanted: Callable[[int, str], bool]) -> dict[str, Any]:
    """The same webhook with those of its changes that are wanted, by their place in it and the number they are about."""
    changes = enumerate(_changes(payload))
    kept = [(entry, change) for place, (entry, change) in changes if wanted(place, number_of(change["value"]))]
    return {"object": payload.get("object"), "entry": [{"id": entry.get("id"), "changes": [change]} for entry, change in kept]}


def number_of(value: Raw) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("phone_number_id", "")) if isinstance(metadata, dict) else ""


def dicts(value: object) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _changes(payload: Raw) -> Iterator[tuple[Raw, Raw]]:
    for entry in dicts(payload.get("entry")):
        for change in dicts(entry.get("changes")):
            if isinstance(change.get("value"), dict):
                yield entry, change
