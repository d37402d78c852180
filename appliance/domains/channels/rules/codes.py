"""Templates that carry a code for signing in. Meta words them itself; what is chosen is a line of advice and how long the code holds.

https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/authentication-templates/copy-code-button-authentication-templates
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import Button, ButtonKind, Parts, TemplateCategory, TemplateKind, Variable

MAX_CODE, MAX_MINUTES = 15, 90
SLOT = "1"  # of the code, in Meta's text and in the button
_CODE = re.compile(r"[0-9A-Za-z-]{1,15}")
# About what Meta writes in each language: (the code, the advice, how long it holds).
# The true words come back when the template is fetched.
_WORDS = {
    "pt": ("*{{1}}* é o seu código de verificação.", "Para sua segurança, não o compartilhe.", "Este código expira em %d minutos."),
    "es": ("*{{1}}* es tu código de verificación.", "Por tu seguridad, no lo compartas.", "Este código caduca en %d minutos."),
    "en": ("*{{1}}* is your verification code.", "For your security, do not share this code.", "This code expires in %d minutes."),
}
_COPY = {"pt": "Copiar código", "es": "Copiar código", "en": "Copy code"}


def worded(parts: Parts, language: str) -> Parts:
    """With the words that Meta will put, in place of any others."""
    spoken = language.partition("_")[0]
    said, advice, expiry = _WORDS.get(spoken, _WORDS["en"])
    return replace(
        parts, header="", media="", body=f"{said} {advice}" if parts.advice else said,
        footer=expiry % parts.minutes if parts.minutes else "",
        buttons=(Button(ButtonKind.CODE, _COPY.get(spoken, _COPY["en"])),), variables=(Variable(SLOT, "", "123456"),),
    )  # fmt: skip


def own_words(kind: TemplateKind, category: TemplateCategory, language: str, parts: Parts) -> Parts:
    """Of a template that carries a code the words are Meta's."""
    is_code = kind is TemplateKind.WHATSAPP and category is TemplateCategory.AUTHENTICATION
    return worded(parts, language) if is_code else replace(parts, advice=False, minutes=0)


def problems_of_code(parts: Parts) -> Iterator[tuple[str, LazyProxy]]:
    if not 0 <= parts.minutes <= MAX_MINUTES:
        yield "minutes", _("A code holds for 1 to %(most)s minutes; 0 says nothing of it.", most=MAX_MINUTES)


def problem_of_value(code: str) -> LazyProxy | None:
    """Of a code that is about to be sent."""
    return None if _CODE.fullmatch(code) else _("A code is up to %(most)s letters, digits and hyphens.", most=MAX_CODE)


def problems_of_values(parts: Parts, values: Mapping[str, str]) -> dict[str, LazyProxy]:
    """Codes that were typed and cannot be sent, by place."""
    slots = [SLOT] if any(button.kind is ButtonKind.CODE for button in parts.buttons) else []
    slots += [slot_of(index) for index, button in enumerate(parts.buttons) if button.kind is ButtonKind.COPY]
    found = {slot: problem_of_value(values.get(slot, "")) for slot in slots}
    return {slot: problem for slot, problem in found.items() if problem is not None}


def slot_of(index: int) -> str:
    """Of a voucher's code, in the button at this place."""
    return f"code.{index}"
