"""What a contact is called on every page."""

from typing import Protocol
from uuid import UUID

from appliance.core.i18n import gettext as _
from webui import formats


class Known(Protocol):
    """What we have of somebody."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def phone_e164(self) -> str | None: ...
    @property
    def phone_raw(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def company(self) -> str | None: ...


def number(contact: Known) -> str:
    """One that is none stays as it was typed."""
    return formats.phone(contact.phone_e164) if contact.phone_e164 else contact.phone_raw or ""


def person_name(contact: Known | None) -> str:
    """Somebody without a name goes by what we know of them; of whom we know nothing, two can still be told apart."""
    if contact is None:
        return _("Removed contact")
    known = contact.name or number(contact) or contact.email or contact.company
    return known or _("Unnamed contact %(tail)s", tail=contact.id.hex[-4:].upper())
