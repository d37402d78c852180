"""Recognising the same person behind many ids."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from uuid import UUID

from appliance.domains.contacts.rules.emails import normalise_email
from appliance.domains.contacts.rules.phones import normalise_phone, phone_forms
from appliance.domains.contacts.types import Identity, IdentityKind

_ACCOUNT = re.compile(r"\+?(?P<digits>\d{6,20})(?::\d+)?(?:@(?P<server>s\.whatsapp\.net|c\.us|lid))?")


def normalise(identities: Iterable[Identity], default_region: str) -> list[Identity]:
    """Canonical, once each, in order of trust; a WhatsApp account brings its phone. What makes no sense is left out."""
    found: dict[Identity, None] = {}
    for identity in identities:
        found.update(dict.fromkeys(_canonical(identity, default_region)))
    return list(found)


def _canonical(identity: Identity, default_region: str) -> Iterable[Identity]:
    match identity.kind:
        case IdentityKind.EMAIL:
            return _known(IdentityKind.EMAIL, normalise_email(identity.value))
        case IdentityKind.PHONE:
            return _known(IdentityKind.PHONE, normalise_phone(identity.value, default_region))
        case IdentityKind.WHATSAPP | IdentityKind.WHATSAPP_LID:
            return _whatsapp(identity)
        case _:
            value = identity.value.strip()
            return [Identity(identity.kind, value, identity.scope)] if value else []


def _known(kind: IdentityKind, value: str | None) -> list[Identity]:
    return [Identity(kind, value)] if value else []


def _whatsapp(identity: Identity) -> list[Identity]:
    account = _ACCOUNT.fullmatch(identity.value.strip())
    if account is None:
        return []
    digits = account["digits"]
    if identity.kind is IdentityKind.WHATSAPP_LID or account["server"] == "lid":
        return [Identity(IdentityKind.WHATSAPP_LID, digits)]
    return [Identity(IdentityKind.WHATSAPP, digits), *_known(IdentityKind.PHONE, normalise_phone(f"+{digits}", ""))]


def in_order(wanted: Iterable[Identity], owners: Mapping[Identity, UUID]) -> list[UUID]:
    """Those who own any of these ids, best match first."""
    return list(dict.fromkeys(owners[form] for form in all_forms(wanted) if form in owners))


def all_forms(wanted: Iterable[Identity]) -> list[Identity]:
    return [form for identity in wanted for form in forms(identity)]


@lru_cache(maxsize=4096)  # the ids of a slice of an import are asked for again and again
def forms(identity: Identity) -> tuple[Identity, ...]:
    """The identity itself first, then the other ways the same one may be stored."""
    if identity.kind is IdentityKind.PHONE:
        return tuple(Identity(IdentityKind.PHONE, form) for form in phone_forms(identity.value))
    if identity.kind is IdentityKind.WHATSAPP:
        return tuple(Identity(IdentityKind.WHATSAPP, form[1:]) for form in phone_forms(f"+{identity.value}"))
    return (identity,)
