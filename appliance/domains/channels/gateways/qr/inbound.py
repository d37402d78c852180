"""What a child heard as our messages and reports. Whatever is not taken in is named, never dropped."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, StatusReport

PHONE, LID = "s.whatsapp.net", "lid"
KEPT = wire.LETTERS  # what goes into an envelope
_STATUSES = {"delivered": MessageStatus.DELIVERED, "read": MessageStatus.READ, "played": MessageStatus.READ}
_LONGEST_ID = 255
_NUMBER = re.compile(r"[0-9]{6,20}")  # WhatsApp itself writes as 0


def changes_of(body: str) -> Iterator[Change]:
    """Raises wire.BadLine."""
    heard = wire.decode_event(body.encode())
    if isinstance(heard, wire.Receipt):
        yield _reported(heard)
    elif isinstance(heard, wire.Message) and not heard.group:
        yield _said(heard.key, _incoming(heard.key, heard.at, heard.kind, heard.content, heard.reply_to), heard.push_name)
    elif isinstance(heard, wire.Edited) and _is_person(heard.key):
        yield _said(heard.key, _incoming(heard.key, heard.at, heard.kind, heard.content, heard.of))
    elif isinstance(heard, wire.Deleted | wire.Undecryptable) and _is_person(heard.key):
        yield Change(rejected=((type(heard).__name__.lower(), {"id": heard.key.id, "chat": heard.key.remote_jid}),))


def _is_person(key: wire.Key) -> bool:
    return bool(_identities(key))


def _reported(heard: wire.Receipt) -> Change:
    status = _STATUSES.get(heard.kind)
    if status is None:
        return Change()
    return Change(reports=tuple(StatusReport(status, _moment(heard.at), provider_id=one[:_LONGEST_ID]) for one in heard.ids))


def _said(key: wire.Key, incoming: Incoming, name: str = "") -> Change:
    identities = _identities(key)
    if not identities:
        return Change()  # a status broadcast, a newsletter
    spoken = Spoken(Person(identities, "" if key.from_me else name[:200]), _address(identities), (incoming,))
    return Change(echoes=(spoken,)) if key.from_me else Change((spoken,))


def _incoming(key: wire.Key, at: int, kind: str, content: Any, reply_to: str) -> Incoming:
    known = MessageKind(kind) if kind in set(MessageKind) else MessageKind.UNSUPPORTED
    return Incoming(key.id[:_LONGEST_ID], known, dict(content), _moment(at), reply_to[:_LONGEST_ID] or None)


def _identities(key: wire.Key) -> tuple[Identity, ...]:
    """Both names of the same person, the phone's first: a LID alone may belong to somebody whose number is hidden."""
    by_server = {server: user.split(":")[0] for user, _, server in (jid.partition("@") for jid in (key.remote_jid, key.remote_jid_alt))}
    named = ((PHONE, IdentityKind.WHATSAPP), (LID, IdentityKind.WHATSAPP_LID))
    return tuple(Identity(kind, by_server[server]) for server, kind in named if _NUMBER.fullmatch(by_server.get(server, "")))


def _address(identities: tuple[Identity, ...]) -> str:
    first = identities[0]
    return first.value if first.kind is IdentityKind.WHATSAPP else f"{first.value}@{LID}"


def jid_of(address: str) -> str:
    return address if "@" in address else f"{address}@{PHONE}"


def _moment(at: int) -> datetime:
    """A nonsense one becomes the beginning of time rather than a lost message."""
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
