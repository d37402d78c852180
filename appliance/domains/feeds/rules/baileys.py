"""Happenings as Baileys' events: a map of event to data, as `sock.ev.process` gives it."""

from collections.abc import Mapping
from typing import Any

from appliance.domains.channels.types import LinkState
from appliance.domains.conversations.types import MessageStatus
from appliance.domains.feeds.rules import shapes
from appliance.domains.feeds.rules.shapes import Connection, Happening, Reported, Revised, Said

EVENTS = ("connection.update", "messages.upsert", "messages.update", "message-receipt.update")
REVOKED = 1  # proto.WebMessageInfo.StubType
_MOMENTS: Mapping[MessageStatus, str] = {
    MessageStatus.DELIVERED: "receiptTimestamp", MessageStatus.READ: "readTimestamp", MessageStatus.PLAYED: "playedTimestamp",
}  # fmt: skip


def events_of(found: Happening) -> dict[str, Any]:
    """Empty for what Baileys has no word for."""
    match found:
        case Connection():
            update = _update(found)
            return {"connection.update": update} if update else {}
        case Said():
            return {"messages.upsert": {"type": "notify", "messages": [_message(found)]}}
        case Reported():
            return _report(found)
        case Revised():
            return {"messages.update": [{"key": shapes.key_of(found.key), "update": _revision(found)}]}


def _update(found: Connection) -> dict[str, Any]:
    if found.state is LinkState.QR:
        return {"qr": found.qr} if found.qr else {}
    if found.state is LinkState.OPEN:
        return {"connection": "open"}
    if found.state in shapes.SHUT_STATES:
        code = shapes.reason_of(found)
        output = {"statusCode": code, "payload": {"statusCode": code}}
        return {"connection": "close", "lastDisconnect": {"error": {"output": output}, "date": found.at.isoformat()}}
    return {"connection": "connecting"} if found.state is LinkState.CONNECTING else {}


def _message(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {
        "key": shapes.key_of(said.key), "messageTimestamp": shapes.seconds(said.at), "pushName": said.name,
        "message": shapes.message_of(said)[1],
    }  # fmt: skip
    if said.key.from_me:
        message["status"] = shapes.STATUSES[said.status]
    return message


def _revision(found: Revised) -> dict[str, Any]:
    if found.said is None:
        return {"message": None, "messageStubType": REVOKED, "key": shapes.key_of(found.key)}
    edited = {"message": {"editedMessage": {"message": shapes.message_of(found.said)[1]}}}
    return {**edited, "messageTimestamp": shapes.seconds(found.at)}


def _report(found: Reported) -> dict[str, Any]:
    """A chat of two has `messages.update`; the receipt beside it is what groups have, for programs that read only that."""
    key, at = shapes.key_of(found.key), shapes.seconds(found.at)
    told: dict[str, Any] = {
        "messages.update": [{"key": key, "update": {"status": shapes.STATUSES[found.status], "messageTimestamp": at}}]
    }
    if moment := _MOMENTS.get(found.status):
        told["message-receipt.update"] = [{"key": key, "receipt": {"userJid": found.key.jid, moment: at}}]
    return told
