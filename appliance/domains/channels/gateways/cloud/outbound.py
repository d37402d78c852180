"""Our messages as the Cloud API wants them (Messages reference, `POST /{phone-number-id}/messages`)."""

from collections.abc import Mapping
from typing import Any

from appliance.domains.channels.rules import headers
from appliance.domains.conversations.types import MessageKind, Outgoing

MEDIA = {
    MessageKind.IMAGE: "image",
    MessageKind.AUDIO: "audio",
    MessageKind.VIDEO: "video",
    MessageKind.DOCUMENT: "document",
    MessageKind.STICKER: "sticker",
}
CARRIES = frozenset({MessageKind.TEXT, MessageKind.TEMPLATE, MessageKind.BUTTONS, MessageKind.LIST, MessageKind.REACTION, *MEDIA})
MAX_BUTTON = 20


def payload_of(message: Outgoing, *, media_id: str = "") -> dict[str, Any]:
    payload: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "biz_opaque_callback_data": message.client_id,
        **_body(message.kind, message.content, media_id),
    }
    if message.reply_to_provider_id and message.kind is not MessageKind.REACTION:  # which names it itself
        payload["context"] = {"message_id": message.reply_to_provider_id}
    return payload


def _body(kind: MessageKind, content: Mapping[str, Any], media_id: str) -> dict[str, Any]:
    text = str(content.get("text", ""))
    if kind is MessageKind.TEMPLATE:
        return {"type": "template", "template": _template(content, media_id)}
    if kind in MEDIA:
        return {"type": MEDIA[kind], MEDIA[kind]: _media(kind, content, media_id)}
    if kind is MessageKind.REACTION:
        return {"type": "reaction", "reaction": {"message_id": content["message_id"], "emoji": content["emoji"]}}
    if kind in {MessageKind.BUTTONS, MessageKind.LIST}:
        return {"type": "interactive", "interactive": _interactive(kind, text, content)}
    return {"type": "text", "text": {"preview_url": False, "body": text}}


def _template(content: Mapping[str, Any], media_id: str) -> dict[str, Any]:
    template = content["template"]
    body = {"name": template["name"], "language": {"code": template["language"]}}
    file = [headers.file_component(template["header"], media_id, content["media"].get("filename", ""))] if media_id else []
    components = [*file, *(template.get("components") or ())]
    return {**body, "components": components} if components else body


def _media(kind: MessageKind, content: Mapping[str, Any], media_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"id": media_id}
    if content.get("text") and kind not in {MessageKind.AUDIO, MessageKind.STICKER}:
        body["caption"] = str(content["text"])
    if kind is MessageKind.DOCUMENT and content["media"].get("filename"):
        body["filename"] = content["media"]["filename"]
    return body


def _interactive(kind: MessageKind, text: str, content: Mapping[str, Any]) -> dict[str, Any]:
    if kind is MessageKind.BUTTONS:
        buttons = [
            {"type": "reply", "reply": {"id": button["id"], "title": button["title"]}} for button in content["buttons"]
        ]
        return {"type": "button", "body": {"text": text}, "action": {"buttons": buttons}}
    rows = [
        {name: row[name] for name in ("id", "title", "description") if row.get(name)} for row in content["list"]["rows"]
    ]
    action = {"button": content["list"]["button"], "sections": [{"rows": rows}]}
    return {"type": "list", "body": {"text": text}, "action": action}
