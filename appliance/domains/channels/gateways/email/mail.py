"""A mail that came, once it is read. Ids are without their brackets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class File:
    content: bytes
    mime_type: str
    filename: str


@dataclass(frozen=True)
class Bounce:
    """What a mail server says became of a mail of ours."""

    message_id: str
    action: str  # failed, delayed, delivered, relayed, expanded (RFC 3464)
    said: str


@dataclass(frozen=True)
class Mail:
    """`is_automatic`: no answer may go to it (RFC 3834). `is_shortened`: the original holds more than `text`.

    `is_too_large`: only its beginning was taken.
    """

    message_id: str
    sender: str
    name: str
    subject: str
    text: str
    references: tuple[str, ...]
    files: tuple[File, ...]
    bounces: tuple[Bounce, ...]
    is_automatic: bool
    is_shortened: bool
    is_too_large: bool


@dataclass(frozen=True)
class Kept:
    """Where a mail lay and what of it is stored already. `files` have the shape of a message's media; `original`: a blob, or empty."""

    uid: int
    validity: int
    provider_id: str
    arrived_at: datetime
    files: tuple[Mapping[str, object], ...] = ()
    original: str = ""
