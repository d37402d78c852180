"""What both shapes share: happenings as plain values, and a message's content as WhatsApp's protobuf is written in JSON.

Baileys: https://baileys.wiki/docs/socket/events; names as in WhatsApp's WAProto.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from appliance.domains.channels.types import Ending, LinkState
from appliance.domains.conversations.types import MessageKind, MessageStatus

PHONE, LID, GROUP = "s.whatsapp.net", "lid", "g.us"
QR_STANDS = timedelta(seconds=60)
ERROR, PENDING, SERVER_ACK, DELIVERY_ACK, READ, PLAYED = 0, 1, 2, 3, 4, 5  # proto.WebMessageInfo.Status
STATUSES: Mapping[MessageStatus, int] = {
    MessageStatus.FAILED: ERROR, MessageStatus.CANCELLED: ERROR, MessageStatus.QUEUED: PENDING, MessageStatus.SENDING: PENDING,
    MessageStatus.UNCONFIRMED: PENDING, MessageStatus.SENT: SERVER_ACK, MessageStatus.DELIVERED: DELIVERY_ACK, MessageStatus.READ: READ,
    MessageStatus.PLAYED: PLAYED, MessageStatus.RECEIVED: DELIVERY_ACK,
}  # fmt: skip
_BY_STATE = {LinkState.LOGGED_OUT: 401, LinkState.BANNED: 403}
_BY_ENDING = {
    Ending.EXPIRED: 408, Ending.UNLINKED: 401, Ending.UNTOLD: 401,
    Ending.LOGGED_OUT: 401, Ending.BANNED: 403, Ending.OUTDATED: 405, Ending.REPLACED: 440,
    Ending.BUSINESS: 403, Ending.NO_LIBRARY: 503, Ending.SEALED: 503, Ending.UNWRITTEN: 503, Ending.FULL: 503,
}  # fmt: skip
CLOSED = 428
SHUT_STATES = frozenset({LinkState.CLOSED, LinkState.LOGGED_OUT, LinkState.BANNED})


@dataclass(frozen=True)
class Key:
    """Which message, as WhatsApp keys it. `alt`: the other name of the same chat (phone or LID)."""

    jid: str
    id: str
    from_me: bool
    alt: str = ""
    participant: str = ""


@dataclass(frozen=True)
class Connection:
    """How the link stands. `code`: why it is shut, by the numbers that Baileys made known; 0 for not known."""

    state: LinkState
    at: datetime
    code: int = 0
    ending: Ending | None = None
    qr: str = ""
    qr_number: int = 0
    pairing_code: str = ""


@dataclass(frozen=True)
class Said:
    """`content` as conversations keep it; `quoted`: key id of what is answered; `file_url`: where the file is to be had with a key of
    the box; `by_box`: written here, not on the phone.
    """

    key: Key
    name: str
    at: datetime
    kind: MessageKind
    status: MessageStatus
    content: Mapping[str, Any] = field(default_factory=dict)
    quoted: str = ""
    file_url: str = ""
    by_box: bool = False
    message_id: str = ""


@dataclass(frozen=True)
class Reported:
    """What became of a message of ours."""

    key: Key
    status: MessageStatus
    at: datetime
    message_id: str = ""


@dataclass(frozen=True)
class Revised:
    """Its writer changed a message: `said` is what it says now; None: it was deleted."""

    key: Key
    at: datetime
    said: Said | None


Happening = Connection | Said | Reported | Revised


def jid_of(address: str) -> str:
    """An address of a conversation as WhatsApp writes it."""
    return address if "@" in address else f"{address}@{PHONE}"


def address_of(number: str) -> str:
    """What a program calls somebody, as conversations call them: digits for a phone, the JID for anything else. Empty for nonsense."""
    user, _, server = number.strip().partition("@")
    if server in (LID, GROUP):
        return f"{user}@{server}" if re.fullmatch(r"[0-9-]{6,40}", user) else ""
    digits = re.sub(r"[^0-9]", "", user.partition(":")[0])
    return digits if 8 <= len(digits) <= 15 and server in ("", PHONE, "c.us") else ""  # noqa: PLR2004 - E.164


def reason_of(found: Connection) -> int:
    """Why a link is shut, as a DisconnectReason."""
    known = _BY_STATE.get(found.state) or (_BY_ENDING.get(found.ending) if found.ending else None)
    return known or found.code or CLOSED


def is_stale(found: Happening, now: datetime) -> bool:
    """A code that nobody can scan any more is not told."""
    return isinstance(found, Connection) and bool(found.qr) and now - found.at > QR_STANDS


def key_of(key: Key) -> dict[str, object]:
    """WAMessageKey."""
    said: dict[str, object] = {"remoteJid": key.jid, "fromMe": key.from_me, "id": key.id}
    if key.participant:
        said["participant"] = key.participant
    if key.alt:
        said["remoteJidAlt"] = key.alt
    said["addressingMode"] = "lid" if key.jid.endswith(f"@{LID}") else "pn"
    return said


def message_of(said: Said) -> tuple[str, dict[str, Any]]:
    """Type and proto.Message of what was said. What has no words of its own is told as its text."""
    name, part = _PARTS.get(said.kind, _text)(said)
    context: dict[str, object] = {"stanzaId": said.quoted} if said.quoted else {}
    context |= {"mentionedJid": named} if (named := _named(said)) else {}
    if context and isinstance(part, dict) and name != "reactionMessage":
        part["contextInfo"] = context
    return name, {name: part}


def _named(said: Said) -> list[str]:
    return list(dict.fromkeys(str(one["jid"]) for one in said.content.get("mentions", ())))


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def _text(said: Said) -> tuple[str, Any]:
    text = str(said.content.get("text", ""))
    if choice := said.content.get("choice"):
        chosen = {"selectedButtonId": str(choice.get("id", "")), "selectedDisplayText": str(choice.get("title", ""))}
        return "buttonsResponseMessage", chosen
    return ("extendedTextMessage", {"text": text}) if said.quoted or _named(said) else ("conversation", text)


def _media(name: str, said: Said) -> tuple[str, dict[str, Any]]:
    media: Mapping[str, Any] = said.content.get("media", {})
    part: dict[str, Any] = {"mimetype": str(media.get("mime_type", "")), "url": said.file_url}
    for ours, theirs in (("filename", "fileName"), ("size", "fileLength"), ("seconds", "seconds")):
        if media.get(ours):
            part[theirs] = media[ours]
    if media.get("voice"):
        part["ptt"] = True
    if said.content.get("text"):
        part["caption"] = str(said.content["text"])
    return name, part


def _place(said: Said) -> tuple[str, dict[str, Any]]:
    place: Mapping[str, Any] = said.content.get("location", {})
    named = {"latitude": "degreesLatitude", "longitude": "degreesLongitude", "name": "name", "address": "address"}
    return "locationMessage", {theirs: place[ours] for ours, theirs in named.items() if ours in place}


def _people(said: Said) -> tuple[str, dict[str, Any]]:
    cards = [_card(person) for person in said.content.get("contacts", [])]
    return ("contactMessage", cards[0]) if len(cards) == 1 else ("contactsArrayMessage", {"contacts": cards})


def _card(person: Mapping[str, Any]) -> dict[str, str]:
    """https://www.rfc-editor.org/rfc/rfc2426"""
    name = " ".join(str(person.get("name", {}).get("formatted_name", "")).split())
    phones = [f"TEL;type=CELL:{phone.get('phone', '')}" for phone in person.get("phones", [])]
    return {"displayName": name, "vcard": "\n".join(["BEGIN:VCARD", "VERSION:3.0", f"FN:{name}", *phones, "END:VCARD"])}


def _reaction(said: Said) -> tuple[str, dict[str, Any]]:
    about = {"remoteJid": said.key.jid, "id": said.quoted or str(said.content.get("message_id", ""))}
    return "reactionMessage", {"key": about, "text": str(said.content.get("emoji", ""))}


_PARTS: Mapping[MessageKind, Callable[[Said], tuple[str, Any]]] = {
    MessageKind.IMAGE: lambda said: _media("imageMessage", said),
    MessageKind.VIDEO: lambda said: _media("videoMessage", said),
    MessageKind.AUDIO: lambda said: _media("audioMessage", said),
    MessageKind.DOCUMENT: lambda said: _media("documentMessage", said),
    MessageKind.STICKER: lambda said: _media("stickerMessage", said),
    MessageKind.LOCATION: _place,
    MessageKind.CONTACT: _people,
    MessageKind.REACTION: _reaction,
}
