"""What one release wrote and another reads."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def known_to(kind: type[_Dataclass], told: Mapping[str, Any]) -> dict[str, Any]:
    """What it has fields for: a newer release may have written more."""
    return {one.name: told[one.name] for one in fields(kind) if one.name in told}
