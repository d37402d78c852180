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
class Complaint:
    """Somebody's provider says that its reader called a mail of ours spam (ARF, RFC 5965).

    `proof`: what our mail carried to show that it is about it; empty where the report does not bring it.
    """

    kind: str  # abuse, fraud, not-spam, other, virus
    proof: str


@dataclass(frozen=True)
class Mail:
    """`is_automatic`: no answer may go to it (RFC 3834). `is_forged`: our mail server says that it is not from whom it names.

    `is_shortened`: the original holds more than `text`.
    `copies`: who else got it, as it names them. `is_too_large`: only its beginning was taken.
    """

    message_id: str
    sender: str
    name: str
    subject: str
    text: str
    copies: tuple[str, ...]
    references: tuple[str, ...]
    files: tuple[File, ...]
    bounces: tuple[Bounce, ...]
    complaint: Complaint | None
    is_automatic: bool
    is_forged: bool
    is_shortened: bool
    is_too_large: bool


@dataclass(frozen=True)
class Spot:
    """Where a mail lay in its mailbox."""

    uid: int
    validity: int


@dataclass(frozen=True)
class Kept:
    """What of a mail is stored already. `files` have the shape of a message's media; `original`: a blob, or empty."""

    provider_id: str
    arrived_at: datetime
    files: tuple[Mapping[str, object], ...] = ()
    original: str = ""
