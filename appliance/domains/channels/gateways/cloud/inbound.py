"""Webhooks of the Cloud API as our messages and reports. Whatever is not understood is named, never dropped.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from appliance.domains.channels.gateways.cloud import templates
from appliance.domains.channels.gateways.cloud.addressing import MAX_DEPTH, Raw, dicts, values_of
from appliance.domains.channels.gateways.cloud.answers import inner, moment_of
from appliance.domains.channels.types import Change, Charge, Revised, Spoken, ToldCharge
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, Revision, StatusReport

MAX_TEXT = 65_536
TEMPLATE_FIELDS = ("message_template_status_update", "message_template_quality_update", "template_category_update")
MAX_ADDRESS = 128
_NUMBER = re.compile(r"[0-9]{6,20}")
_MEDIA = {
    "image": MessageKind.IMAGE,
    "audio": MessageKind.AUDIO,
    "video": MessageKind.VIDEO,
    "document": MessageKind.DOCUMENT,
    "sticker": MessageKind.STICKER,
}
_REVISIONS = ("edit", "revoke")
_STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "played": MessageStatus.PLAYED,
    "failed": MessageStatus.FAILED,
}


_CHARGES = {
    "marketing": Charge.MARKETING,
    "marketing_lite": Charge.MARKETING,
    "utility": Charge.UTILITY,
    "authentication": Charge.AUTHENTICATION,
    "authentication_international": Charge.AUTHENTICATION,
    "service": Charge.SERVICE,
    "referral_conversion": Charge.SERVICE,  # behind an advertisement: free
}


class TooDeep(ValueError):
    """Lists and objects inside each other as only an attack sends them."""


def clean(value: Any, depth: int = 0) -> Any:
    """Without NULs and half surrogates, which no database takes. Raises TooDeep."""
    if isinstance(value, str):
        return value[:MAX_TEXT].replace("\x00", "").encode("utf-8", "replace").decode()
    if depth > MAX_DEPTH:
        raise TooDeep
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]
    return {str(clean(key)): clean(item, depth + 1) for key, item in value.items()} if isinstance(value, dict) else value


def changes_of(payload: Raw) -> Iterator[Change]:
    """Raises TooDeep."""
    for field, value, sent_at in values_of(clean(payload)):
        if field == "messages":
            yield _messages_change(value)
        elif field in TEMPLATE_FIELDS:
            yield templates.change_of(field, value, sent_at)
        else:
            yield Change(rejected=((f"field_{field}"[:60], value),))


def _messages_change(value: Raw) -> Change:
    names = {str(contact.get("wa_id") or contact.get("user_id")): contact for contact in dicts(value.get("contacts"))}
    by_address: dict[str, tuple[Person, list[Incoming]]] = {}
    rejected: list[tuple[str, object]] = []
    revisions: list[Revised] = []
    for raw in dicts(value.get("messages")):
        address = str(raw.get("from") or raw.get("from_user_id") or "")
        incoming = _incoming(raw)
        if not address or incoming is None:
            rejected.append(("message_without_id_or_sender", raw))
            continue
        if not _is_usable(address):
            rejected.append(("unusable_sender", raw))
            continue
        person = _person(address, raw, names)
        if raw.get("type") in _REVISIONS:
            revisions.append(_revised(raw, Spoken(person, address, (incoming,))))
            continue
        by_address.setdefault(address, (person, []))[1].append(incoming)
    reports = []
    for raw in dicts(value.get("statuses")):
        report = _report(raw)
        if report is None:
            rejected.append(("unknown_status", raw))
        else:
            reports.append(report)
    rejected += [("error_notice", raw) for raw in dicts(value.get("errors"))]
    spoken = tuple(Spoken(person, address, tuple(messages)) for address, (person, messages) in by_address.items())
    charges = tuple(told for raw in dicts(value.get("statuses")) if (told := _charge(raw)))
    return Change(spoken, tuple(reports), tuple(rejected), charges=charges, revisions=tuple(revisions))


def _revised(raw: Raw, said: Spoken) -> Revised:
    """Meta tells of changes and deletions only where the number is on the WhatsApp Business app, too (its webhook reference, `edit` and
    `revoke`).
    """
    is_deleted = raw["type"] == "revoke"
    [incoming] = said.messages
    text = None if is_deleted else str(incoming.content.get("text", ""))
    revision = Revision(str(inner(raw, str(raw["type"])).get("original_message_id", ""))[:255], incoming.occurred_at, True, text)
    return Revised(revision, raw, said)


def _charge(raw: Raw) -> ToldCharge | None:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing"""
    pricing = raw.get("pricing")
    if not isinstance(pricing, dict) or not raw.get("id"):
        return None
    is_billable = pricing.get("billable") is not False and pricing.get("type", "regular") == "regular"
    charge = _CHARGES.get(str(pricing.get("category", "")).lower())
    if charge is Charge.UTILITY and pricing.get("type") == "free_customer_service":
        charge = Charge.UTILITY_IN_WINDOW
    moment = moment_of(raw.get("timestamp"))
    return ToldCharge(str(raw["id"])[:255], charge, is_billable, moment) if charge else None


def _is_usable(address: str) -> bool:
    """A number that some network could have, or an id that fits where ids are kept."""
    if address.isdecimal():
        return _NUMBER.fullmatch(address) is not None
    return bool(address.strip()) and len(address) <= MAX_ADDRESS


def _person(address: str, raw: Raw, names: Mapping[str, Raw]) -> Person:
    """A person may come without a phone number at all (a business-scoped user id)."""
    known = names.get(address) or names.get(str(raw.get("from_user_id"))) or {}
    profile = known.get("profile")
    name = str(profile.get("name", "")) if isinstance(profile, dict) else ""
    identities = []
    if raw.get("from"):
        number = str(raw["from"])
        kind = IdentityKind.WHATSAPP if number.isdecimal() else IdentityKind.EXTERNAL
        identities.append(Identity(kind, number, "" if number.isdecimal() else "whatsapp"))
    user_id = raw.get("from_user_id") or known.get("user_id")
    if user_id and len(str(user_id)) <= MAX_ADDRESS:
        identities.append(Identity(IdentityKind.WHATSAPP_USER, str(user_id)))
    return Person(tuple(identities), name[:200])


def _incoming(raw: Raw) -> Incoming | None:
    if not raw.get("id"):
        return None
    kind, content = _content(inner(inner(raw, "edit"), "message") if raw.get("type") == "edit" else raw)
    context = raw.get("context")
    quoted = str(context["id"]) if isinstance(context, dict) and context.get("id") else None
    if kind is MessageKind.REACTION:
        quoted = str(content.get("message_id") or "") or None
    return Incoming(str(raw["id"])[:255], kind, content, moment_of(raw.get("timestamp")), quoted)


def _content(raw: Raw) -> tuple[MessageKind, dict[str, Any]]:
    named = str(raw.get("type", ""))
    body = raw.get(named)
    part: Raw = body if isinstance(body, dict) else {}
    if named in _MEDIA:
        return _MEDIA[named], _media(part)
    translate = _TRANSLATIONS.get(named)
    return translate(part, body) if translate else (MessageKind.UNSUPPORTED, {"type": named, "raw": dict(raw)})


def _text(part: Raw, _body: object) -> tuple[MessageKind, dict[str, Any]]:
    return MessageKind.TEXT, {"text": str(part.get("body", ""))}


def _location(part: Raw, _body: object) -> tuple[MessageKind, dict[str, Any]]:
    return MessageKind.LOCATION, {"location": {name: part[name] for name in ("latitude", "longitude", "name", "address") if name in part}}


def _contacts(_part: Raw, body: object) -> tuple[MessageKind, dict[str, Any]]:
    return MessageKind.CONTACT, {"contacts": body}


def _reaction(part: Raw, _body: object) -> tuple[MessageKind, dict[str, Any]]:
    return MessageKind.REACTION, {"emoji": str(part.get("emoji", "")), "message_id": str(part.get("message_id", ""))}


def _button(part: Raw, _body: object) -> tuple[MessageKind, dict[str, Any]]:
    return MessageKind.TEXT, {"text": str(part.get("text", "")), "choice": {"id": part.get("payload"), "title": part.get("text")}}


def _chosen(part: Raw, _body: object) -> tuple[MessageKind, dict[str, Any]]:
    for name in ("button_reply", "list_reply"):
        choice = part.get(name)
        if isinstance(choice, dict):
            title = str(choice.get("title", ""))
            return MessageKind.TEXT, {"text": title, "choice": {"id": choice.get("id"), "title": title}}
    return MessageKind.UNSUPPORTED, {"type": "interactive", "raw": dict(part)}


_TRANSLATIONS = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": _button,
    "interactive": _chosen,
}


def _media(part: Raw) -> dict[str, Any]:
    media = {
        "provider_id": str(part.get("id", "")),
        "mime_type": str(part.get("mime_type", "")),
        "filename": str(part.get("filename", ""))[:240],
        "sha256": str(part.get("sha256", "")),
        "voice": bool(part.get("voice", False)),
    }
    caption = str(part.get("caption", ""))
    return {"media": media, "text": caption} if caption else {"media": media}


def _report(raw: Raw) -> StatusReport | None:
    status = _STATUSES.get(str(raw.get("status", "")))
    if status is None or not raw.get("id"):
        return None
    error = next(dicts(raw.get("errors")), {})
    detail = error.get("error_data")
    said = str(detail.get("details", "")) if isinstance(detail, dict) else ""
    return StatusReport(
        status,
        moment_of(raw.get("timestamp")),
        provider_id=str(raw["id"])[:255],
        client_id=str(raw.get("biz_opaque_callback_data") or "") or None,
        error_code=str(error.get("code", ""))[:60],
        error=said or str(error.get("title", "")),
    )
