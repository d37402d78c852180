"""From what was said about a contact to what is kept of it."""

from collections.abc import Mapping
from typing import Any

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.rules.documents import normalise_document
from appliance.domains.contacts.rules.emails import normalise_email
from appliance.domains.contacts.rules.phones import normalise_phone
from appliance.domains.contacts.rules.text import tidy_tags
from appliance.domains.contacts.types import Identity, IdentityKind

Given = Mapping[str, Any]


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
    return {"phone_raw": raw or None, "phone_e164": e164, "phone_invalid": bool(raw) and e164 is None}


def identities_in(kept: Given) -> list[Identity]:
    """The ids among the columns."""
    named = ((IdentityKind.EMAIL, kept.get("email")), (IdentityKind.PHONE, kept.get("phone_e164")))
    return [Identity(kind, value) for kind, value in named if value]
