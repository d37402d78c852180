"""How templates are called, and what stands in their places until a real customer does."""

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import ButtonKind, TemplateCategory, TemplateKind, TemplateStatus

KINDS = {
    TemplateKind.WHATSAPP: (_("WhatsApp"), "whatsapp", _("Approved by Meta; the only way to write once 24 hours are over.")),
    TemplateKind.EMAIL: (_("E-mail"), "mail", _("Subject and text with headings, lists and links; sent as HTML and as plain text.")),
    TemplateKind.CHAT: (_("Chat"), "globe", _("For web chat and linked numbers, with buttons to answer with.")),
    TemplateKind.PIECE: (_("Piece"), "copy", _("A signature or a foot that stands in many mails and is changed in one place.")),
}
CATEGORIES = {
    TemplateCategory.UTILITY: _("Utility: about something the customer has with you"),
    TemplateCategory.MARKETING: _("Marketing: only to those who agreed to it"),
    TemplateCategory.AUTHENTICATION: _("Authentication: codes for signing in"),
}
STATES = {
    TemplateStatus.READY: (_("Ready"), "ok"),
    TemplateStatus.DRAFT: (_("Draft"), "line"),
    TemplateStatus.QUEUED: (_("On its way to WhatsApp"), "info"),
    TemplateStatus.PENDING: (_("WhatsApp looks at it"), "info"),
    TemplateStatus.APPROVED: (_("Approved"), "ok"),
    TemplateStatus.REJECTED: (_("Refused"), "bad"),
    TemplateStatus.PAUSED: (_("Paused by WhatsApp"), "warn"),
    TemplateStatus.DISABLED: (_("Switched off by WhatsApp"), "bad"),
    TemplateStatus.GONE: (_("No longer at WhatsApp"), ""),
}
HEADERS = {
    "": _("A text, or none"),
    "IMAGE": _("A picture"),
    "VIDEO": _("A video"),
    "DOCUMENT": _("A document (PDF)"),
    "LOCATION": _("A place on the map"),
}
HEADER_ICONS = {"IMAGE": "eye", "VIDEO": "play", "DOCUMENT": "file", "LOCATION": "pin"}
BUTTONS = {
    ButtonKind.REPLY: _("Answers with its text"),
    ButtonKind.URL: _("Opens a page"),
    ButtonKind.PHONE: _("Calls a number"),
    ButtonKind.COPY: _("Copies a voucher"),
}
BUTTON_ICONS = {
    ButtonKind.REPLY: "undo",
    ButtonKind.URL: "external",
    ButtonKind.PHONE: "phone",
    ButtonKind.COPY: "copy",
    ButtonKind.CODE: "copy",
    ButtonKind.OTHER: "more",
}
LANGUAGES = {
    "pt_BR": _("Portuguese (Brazil)"),
    "en_US": _("English (US)"),
    "en": _("English"),
    "es": _("Spanish"),
    "pt_PT": _("Portuguese (Portugal)"),
}
SOURCES = {
    "contact.first_name": (_("First name of the contact"), "Beatriz"),
    "contact.name": (_("Name of the contact"), "Beatriz Nogueira"),
    "contact.company": (_("Company of the contact"), "Mercado Manacá"),
    "me.first_name": (_("First name of who writes"), "Ana"),
    "me.name": (_("Name of who writes"), "Ana Prado"),
    "company": (_("Your company"), "Solara Energia"),
}


PLACES = {
    "header.latitude": _("Latitude"),
    "header.longitude": _("Longitude"),
    "header.name": _("Name of the place"),
    "header.address": _("Address of the place"),
}


def gap(slot: str) -> str:
    """What stands where nothing was filled in yet."""
    known = SOURCES[slot][0] if slot in SOURCES else PLACES.get(slot)
    return f"[{known or slot.removeprefix('header.')}]"
