"""Happenings as the webhooks of Evolution API v2. https://doc.evolution-api.com/v2/en/configuration/webhooks"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno

from appliance.domains.channels.types import LinkState
from appliance.domains.feeds.rules import shapes
from appliance.domains.feeds.rules.shapes import Connection, Happening, Reported, Revised, Said

EVENTS = ("qrcode.updated", "connection.update", "messages.upsert", "messages.update", "messages.edited", "messages.delete", "send.message")
INTEGRATION = "WHATSAPP-BAILEYS"
OPEN = 200
_NAMES = {0: "ERROR", 1: "PENDING", 2: "SERVER_ACK", 3: "DELIVERY_ACK", 4: "READ", 5: "PLAYED"}


@dataclass(frozen=True)
class Instance:
    """A linked number by the name that programs give it."""

    name: str
    id: str
    sender: str = ""  # our own JID


def events_of(found: Happening, instance: Instance) -> dict[str, Any]:
    """At most one event; empty for what Evolution has no word for."""
    match found:
        case Connection():
            return _connection(found, instance)
        case Said():
            return {"send.message" if found.by_box else "messages.upsert": written(found, instance)}
        case Revised():
            return _revision(found)
        case Reported():
            return {"messages.update": _report(found, instance)}


def envelope(event: str, data: object, instance: Instance, *, url: str, at: datetime, server_url: str) -> dict[str, Any]:
    """`apikey` stays empty: a key of the box is never told."""
    return {
        "event": event, "instance": instance.name, "data": data, "destination": url, "date_time": at.isoformat(),
        "sender": instance.sender, "server_url": server_url, "apikey": None,
    }  # fmt: skip


def state_of(state: LinkState) -> str:
    if state is LinkState.OPEN:
        return "open"
    return "connecting" if state in (LinkState.CONNECTING, LinkState.QR, LinkState.PAIRING) else "close"


def code_of(found: Connection) -> dict[str, Any]:
    """What is scanned or typed, as /instance/connect answers it."""
    drawn = segno.make(found.qr, error="l", micro=False).png_data_uri(scale=5) if found.qr else None
    return {"pairingCode": found.pairing_code or None, "code": found.qr or None, "base64": drawn, "count": found.qr_number}


def written(said: Said, instance: Instance) -> dict[str, Any]:
    """A message, as it is told and as the routes that send answer it."""
    kind, message = shapes.message_of(said)
    return {
        "key": shapes.key_of(said.key), "pushName": said.name, "status": name_of(said), "message": message, "messageType": kind,
        "messageTimestamp": shapes.seconds(said.at), "instanceId": instance.id, "source": "unknown", "messageId": said.message_id,
    }  # fmt: skip


def name_of(found: Said | Reported) -> str:
    return _NAMES[shapes.STATUSES[found.status]]


def known_events(asked: Iterable[str]) -> list[str]:
    """Of the names that programs ask for (MESSAGES_UPSERT), those that this box tells; of others nothing ever comes."""
    wanted = {name.strip().lower().replace("_", ".") for name in asked}
    return [name for name in EVENTS if name in wanted]


def shown_events(kept: Iterable[str]) -> list[str]:
    return [name.upper().replace(".", "_") for name in kept]


def address_for(url: str, event: str, *, by_events: bool) -> str:
    return f"{url.rstrip('/')}/{event.replace('.', '-')}" if by_events else url


def _connection(found: Connection, instance: Instance) -> dict[str, Any]:
    if found.qr or found.pairing_code:
        return {"qrcode.updated": {"qrcode": {"instance": instance.name, **code_of(found)}}}
    if found.state in (LinkState.NEW, LinkState.QR, LinkState.PAIRING):
        return {}
    reason = shapes.reason_of(found) if found.state in shapes.SHUT_STATES else OPEN
    return {"connection.update": {"instance": instance.name, "state": state_of(found.state), "statusReason": reason}}


def _revision(found: Revised) -> dict[str, Any]:
    if found.said is None:
        return {"messages.delete": shapes.key_of(found.key)}
    edited = {"key": shapes.key_of(found.key), "editedMessage": shapes.message_of(found.said)[1]}
    return {"messages.edited": {**edited, "timestampMs": shapes.seconds(found.at) * 1000}}


def _report(found: Reported, instance: Instance) -> Mapping[str, Any]:
    return {
        "keyId": found.key.id, "remoteJid": found.key.jid, "fromMe": found.key.from_me, "status": name_of(found),
        "messageId": found.message_id, "instanceId": instance.id,
    }  # fmt: skip
