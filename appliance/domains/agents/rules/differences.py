from collections.abc import Iterator, Mapping
from typing import Any

from appliance.domains.agents.types import Difference


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[Difference]:
    """Each setting that is not the same: its path, what it was, what it is."""
    for name in sorted({*before, *after}):
        old, new, place = before.get(name), after.get(name), f"{path}{name}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, f"{place}.")
        elif old != new:
            yield Difference(place, old, new)
