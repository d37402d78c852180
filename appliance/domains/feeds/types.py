from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Shape(StrEnum):
    """Whose words a program understands."""

    BAILEYS = "baileys"
    EVOLUTION = "evolution"


class What(StrEnum):
    CONNECTION = "connection"
    SAID = "said"
    REPORTED = "reported"
    REVISED = "revised"


@dataclass(frozen=True)
class File:
    """A file that a message carries, where it has come home."""

    blob_id: UUID
    size: int


@dataclass(frozen=True)
class Told:
    """One happening in a program's words. `name`: of its event; `file`: to be sent along, where the program wants files and it is small."""

    item_id: UUID
    name: str
    body: Mapping[str, object]
    file: File | None = None


@dataclass(frozen=True)
class Hook:
    """Where a program takes what is told; in the clear, no longer than the call."""

    feed_id: UUID
    url: str
    secret: str
    headers: Mapping[str, str]
