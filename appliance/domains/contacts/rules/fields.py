"""From what was said about a contact to what is kept of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.rules import identities as identity_rules
from appliance.domains.contacts.rules.documents import normalise_document
from appliance.domains.contacts.rules.emails import normalise_email
from appliance.domains.contacts.rules.phones import normalise_phone
from appliance.domains.contacts.rules.text import tidy_tags
from appliance.domains.contacts.types import Identity, IdentityKind

Given = Mapping[str, Any]
_PHONE = ("phone_raw", "phone_e164", "phone_invalid")
_IDS = frozenset({"email", "document", "wa_lid", *_PHONE})
_COLUMN_OF = {IdentityKind.EMAIL: "email", IdentityKind.PHONE: "phone_e164", IdentityKind.WHATSAPP_LID: "wa_lid"}


def understood(identities: Iterable[Identity], said: Given, default_region: str) -> tuple[list[Identity], dict[str, Any]]:
    """The ids that recognise somebody, in order of trust, and what is kept of them by column. Raises InvalidField.

    A phone is also kept the way it came, even when it is none.
    """
    given = list(identities)
    phones = [identity.value for identity in given if identity.kind is IdentityKind.PHONE]
    kept = columns({"phone": phones[0], **said} if phones else said, default_region)
    return identity_rules.normalise([*given, *identities_in(kept)], default_region), kept


def columns(given: Given, default_region: str) -> dict[str, Any]:
    """The given fields, checked and canonical, by column. Raises InvalidField.

    A phone that no network could have is kept as it was typed and flagged, never refused.
    """
    kept = dict(given)
    if "email" in given:
        kept["email"] = _email(given["email"])
    if "document" in given:
        kept["document"] = _document(given["document"])
    if "tags" in given:
        kept["tags"] = tidy_tags(given["tags"])
    if "phone" in given:
        kept |= _phone(kept.pop("phone"), default_region)
    return kept


def _email(raw: str | None) -> str | None:
    email = normalise_email(raw) if raw else None
    if raw and email is None:
        raise InvalidField("email", _("This is not an e-mail address."))
    return email


def _document(raw: str | None) -> str | None:
    document = normalise_document(raw) if raw else None
    if raw and document is None:
        raise InvalidField("document", _("The check digits of this CPF or CNPJ do not fit."))
    return document


def _phone(raw: str | None, default_region: str) -> dict[str, Any]:
    e164 = normalise_phone(raw, default_region) if raw else None
    return {"phone_raw": raw or None, "phone_e164": e164, "phone_invalid": is_phone_invalid(raw, e164)}


def completion(known: Given, kept: Given) -> dict[str, Any]:
    """What `kept` adds to what is known. Nothing is overwritten, tags and attributes add up, a phone replaces one that is none."""
    added = {column: value for column, value in kept.items() if value and not known.get(column) and column not in _PHONE}
    if kept.get("phone_e164") and not known.get("phone_e164"):
        added |= {"phone_invalid": False} | {column: kept[column] for column in _PHONE if column in kept}
    elif kept.get("phone_raw") and not (known.get("phone_e164") or known.get("phone_raw")):
        added |= {column: kept[column] for column in _PHONE if column in kept}
    if kept.get("tags"):
        added["tags"] = tidy_tags([*known.get("tags", ()), *kept["tags"]])
    if kept.get("attributes"):
        added["attributes"] = {**kept["attributes"], **known.get("attributes", {})}
    return added


def with_shown(identities: Iterable[Identity], kept: Given) -> dict[str, Any]:
    """The columns to write: those of the ids, and what was said on top."""
    said = {column: value for column, value in kept.items() if value is not None}
    return {**kept, **columns_of(identities), **said}


def columns_of(identities: Iterable[Identity]) -> dict[str, str]:
    """Where ids are shown on a contact; the first of a kind counts."""
    shown: dict[str, str] = {}
    for identity in identities:
        if column := _COLUMN_OF.get(identity.kind):
            shown.setdefault(column, identity.value)
    return shown


def is_phone_invalid(phone_raw: str | None, phone_e164: str | None) -> bool:
    return bool(phone_raw) and phone_e164 is None


def without_ids(kept: Given) -> dict[str, Any]:
    """What anybody may say of a person."""
    return {column: value for column, value in kept.items() if column not in _IDS}


def identities_in(kept: Given) -> list[Identity]:
    """The ids among the columns."""
    named = ((IdentityKind.EMAIL, kept.get("email")), (IdentityKind.PHONE, kept.get("phone_e164")))
    return [Identity(kind, value) for kind, value in named if value]
