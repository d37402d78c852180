"""A mail that another program posts: what is looked at before it is kept."""

import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from appliance.core.signatures import check_timed
from appliance.domains.channels.gateways.email import reading

LANES = 16
LONGEST_HEAD = 65_536
_ENVELOPE = re.compile(rb">?From [^\r\n]*\r?\n")  # put before it by some mail servers, with the hour: no part of the mail
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_USUAL = frozenset({b"from", b"sender", b"to", b"subject", b"date", b"message-id", b"received", b"return-path"})
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_FOLDED = re.compile(rb"\r?\n[ \t]+")


class NoMail(ValueError):
    """What came is something else (RFC 5322, 2.1)."""


@dataclass(frozen=True)
class Letterbox:
    """A channel's address for mails, open. What is written together is of one, and signed with one secret."""

    channel_id: UUID
    tenant_id: UUID
    secret: str


@dataclass(frozen=True)
class Letter:
    """A mail that is stored. `digest` is of its bytes; `sender` as `sender_of` has it."""

    file_id: UUID
    digest: str
    sender: str

    @property
    def lane(self) -> int:
        """What one person writes is read in its order, and nobody waits for all others."""
        return zlib.crc32(self.sender.encode()) % LANES

    def __len__(self) -> int:
        return len(self.digest)


@dataclass(frozen=True)
class Receipt:
    """`id` is the box's own number of a mail, the same for each repeat of it."""

    id: UUID
    is_read: bool = False
    is_new: bool = False


def admit(letterbox: Letterbox, body: bytes, *, signature: str, timestamp: str, now: datetime) -> bytes:
    """The mail. Raises WebhookRefused, NoMail."""
    check_timed(letterbox.secret, body, signature=signature, timestamp=timestamp, now=now)
    envelope = _ENVELOPE.match(body)
    mail = body[envelope.end() :] if envelope else body
    if not _is_mail(_head(mail)):
        raise NoMail
    return mail


def sender_of(mail: bytes) -> str:
    """The address behind From as the mail will be read, in small letters; empty where there is none."""
    return reading.sender_of(_head(mail))


def _head(mail: bytes) -> bytes:
    return _HEAD_ENDS.split(mail[:LONGEST_HEAD], maxsplit=1)[0]


def _is_mail(head: bytes) -> bool:
    lines = _FOLDED.sub(b" ", head).splitlines()
    names = [found[1].lower() if (found := _FIELD.match(line)) else b"" for line in lines]
    return bool(names) and bool(names[0]) and not _USUAL.isdisjoint(names)
