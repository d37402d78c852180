"""What has to be true of a template before it is kept, and before Meta is asked to approve it. One sentence a field.

https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from babel.support import LazyProxy

from appliance.core.filling import PLACE, places
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.rules import codes, headers
from appliance.domains.channels.types import Button, ButtonKind, Parts, TemplateCategory, TemplateKind
from appliance.domains.conversations.types import VARIABLES

Problems = dict[str, LazyProxy]

MAX_HEADER, MAX_BODY, MAX_FOOTER, MAX_BUTTON, MAX_PHONE = 60, 1024, 60, 25, 20
MAX_BUTTONS, MAX_URLS, MAX_PHONES, MAX_COPIES = 10, 2, 1, 1
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_PIECE_NAME = re.compile(r"[\w-]{1,60}")
_NAMED = re.compile(r"[a-z][a-z0-9_]*")
_URL = re.compile(r"https?://[^\s{}]+(?:\{\{1\}\})?")
_PHONE = re.compile(r"\+?[0-9]{6,20}")
_BRACES = re.compile(r"\{\{|\}\}")
OF_BUTTONS = ("url.", "code.")  # how the slots of buttons begin: their examples stand with the buttons
PIECE = re.compile(r"\{\{>\s*([\w.-]+)\s*\}\}")
_GAP = re.compile(r"\n{4,}|\t| {4,}")
_TOUCHING = re.compile(r"\}\}\s*\{\{")
_MARKS = re.compile(r"[*_~`\n]")


def slots_of(kind: TemplateKind, parts: Parts) -> list[str]:
    """All that is filled in. WhatsApp numbers the header's places apart from the body's, so theirs are called `header.1`, `url.0`."""
    if kind is not TemplateKind.WHATSAPP:
        texts = (parts.header, parts.body, parts.footer, *(button.text for button in parts.buttons))
        return list(dict.fromkeys(name for text in texts for name in places(text)))
    urls = (f"url.{index}" for index, button in enumerate(parts.buttons) if places(button.url))
    vouchers = (codes.slot_of(index) for index, button in enumerate(parts.buttons) if button.kind is ButtonKind.COPY)
    return [*(f"header.{name}" for name in places(parts.header)), *places(parts.body), *urls, *vouchers]


def asked_of(kind: TemplateKind, parts: Parts) -> list[str]:
    """All that has to be known when it is sent: what is filled in, and of a header that is a place where it is."""
    place = headers.PLACE_SLOTS if kind is TemplateKind.WHATSAPP and parts.media == headers.PLACE else ()
    return [*place, *slots_of(kind, parts)]


def is_numbered(parts: Parts) -> bool:
    return all(name.isdecimal() for name in (*places(parts.header), *places(parts.body)))


def problems_of(kind: TemplateKind, name: str, category: TemplateCategory, parts: Parts, *, has_file: bool) -> Problems:
    """What a person has to mend, by field; empty when it may be kept as ready, or be handed to Meta."""
    if kind is not TemplateKind.WHATSAPP:
        return dict(reversed([*_of_own(kind, name, parts), *_of_sources(parts)]))
    if category is TemplateCategory.AUTHENTICATION:  # the words are Meta's
        return dict(reversed([*_of_name(name), *codes.problems_of_code(parts)]))
    found = [
        *_of_name(name), *_of_header(parts), *_of_file(parts, has_file=has_file),
        *_of_body(parts.body), *_of_footer(parts.footer),
        *_of_buttons(parts.buttons), *_of_examples(parts), *_of_sources(parts),
    ]  # fmt: skip
    return dict(reversed(found))  # the first of a field is told


def _of_own(kind: TemplateKind, name: str, parts: Parts) -> Iterator[tuple[str, LazyProxy]]:
    if kind is TemplateKind.PIECE and not _PIECE_NAME.fullmatch(name):
        yield "name", _("A piece is called by its name: letters, digits, hyphens and underscores, such as signature.")
    if not parts.body:
        yield "body", _("Write the text of the template.")
    for field, text in (("header", parts.header), ("body", parts.body)):
        if _BRACES.search(PIECE.sub("", PLACE.sub("", text))):
            yield field, _("Braces are open: a variable is written {{1}} or {{name}}.")
    if len(parts.buttons) > 3:  # noqa: PLR2004 - what every channel with buttons shows
        yield "buttons", _("No more than three buttons.")
    if any(button.kind is not ButtonKind.REPLY or not button.text for button in parts.buttons):
        yield "buttons", _("Only buttons to answer with, each with a text.")


def _of_sources(parts: Parts) -> Iterator[tuple[str, LazyProxy]]:
    unknown = sorted({variable.source for variable in parts.variables if variable.source} - set(VARIABLES))
    if unknown:
        yield "variables", _("There is no value for %(names)s.", names=", ".join(f"“{name}”" for name in unknown))


def _of_name(name: str) -> Iterator[tuple[str, LazyProxy]]:
    if not _NAME.fullmatch(name):
        yield "name", _("WhatsApp takes small letters, digits and underscores only, such as lembrete_de_visita.")


def _of_header(parts: Parts) -> Iterator[tuple[str, LazyProxy]]:
    if parts.media not in headers.KNOWN:
        yield "header", _("This kind of header is made in WhatsApp Manager; here it can be fetched, not changed.")
    if parts.media and parts.header:
        yield "header", _("The header is a text or something else, not both.")
    if len(parts.header) > MAX_HEADER:
        yield "header", _("The header holds %(most)s characters; this has %(count)s.", most=MAX_HEADER, count=len(parts.header))
    if _MARKS.search(PLACE.sub("", parts.header)):
        yield "header", _("The header takes no bold, italics or line breaks.")
    if len(places(parts.header)) > 1:
        yield "header", _("The header takes one variable.")
    yield from (("header", said) for said in _of_places(parts.header))


def _of_file(parts: Parts, *, has_file: bool) -> Iterator[tuple[str, LazyProxy]]:
    if parts.media in headers.FILES and not has_file:
        yield "file", _("Choose a file as an example: Meta's reviewers look at it, and it goes along unless another is chosen.")


def _of_body(body: str) -> Iterator[tuple[str, LazyProxy]]:
    if not body:
        yield "body", _("Write the text of the template.")
    if len(body) > MAX_BODY:
        yield "body", _("WhatsApp takes %(most)s characters; this has %(count)s.", most=MAX_BODY, count=len(body))
    found = list(PLACE.finditer(body))
    if found and (found[0].start() == 0 or found[-1].end() == len(body)):
        yield "body", _("WhatsApp takes no text that begins or ends with a variable. A full stop behind it is enough.")
    if _TOUCHING.search(body):
        yield "body", _("Put words between two variables: WhatsApp refuses those that touch.")
    if _GAP.search(body):
        yield "body", _("No tabs, no four spaces or empty lines in a row: WhatsApp refuses them.")
    yield from (("body", said) for said in _of_places(body))


def _of_places(text: str) -> Iterator[LazyProxy]:
    names = places(text)
    numbered = [name for name in names if name.isdecimal()]
    if numbered and len(numbered) < len(names):
        yield _("Either numbers or names: {{1}} and {{name}} do not go together.")
    elif numbered and sorted(map(int, numbered)) != list(range(1, len(numbered) + 1)):
        yield _("Number the variables without a gap, from {{1}} on.")
    unfit = [name for name in names if not name.isdecimal() and not _NAMED.fullmatch(name)]
    if unfit:
        yield _("WhatsApp takes variables of small letters, digits and underscores: not {{%(name)s}}.", name=unfit[0])
    if any(found[2] is not None for found in PLACE.finditer(text)):
        yield _("WhatsApp knows no bar inside a variable: give it an example instead.")
    elif _BRACES.search(PLACE.sub("", text)):
        yield _("Braces are open: a variable is written {{1}} or {{name}}.")


def _of_footer(footer: str) -> Iterator[tuple[str, LazyProxy]]:
    if len(footer) > MAX_FOOTER:
        yield "footer", _("The footer holds %(most)s characters; this has %(count)s.", most=MAX_FOOTER, count=len(footer))
    if _BRACES.search(footer):
        yield "footer", _("The footer takes no variables.")
    if "\n" in footer:
        yield "footer", _("The footer is one line.")


def _of_buttons(buttons: Sequence[Button]) -> Iterator[tuple[str, LazyProxy]]:
    kinds = [button.kind for button in buttons]
    if len(buttons) > MAX_BUTTONS or kinds.count(ButtonKind.URL) > MAX_URLS or kinds.count(ButtonKind.PHONE) > MAX_PHONES:
        yield "buttons", _("WhatsApp takes ten buttons: of them two that open a page and one that calls.")
    if kinds.count(ButtonKind.COPY) > MAX_COPIES:
        yield "buttons", _("WhatsApp takes one button that copies a voucher.")
    replies = [kind is ButtonKind.REPLY for kind in kinds]
    if sum(before != after for before, after in pairwise(replies)) > 1:
        yield "buttons", _("Keep the buttons to answer with together, before or behind the others.")
    if len({button.text for button in buttons}) < len(buttons):
        yield "buttons", _("Two buttons cannot have the same title.")
    yield from (("buttons", said) for button in buttons for said in _of_button(button))


def _of_button(button: Button) -> Iterator[LazyProxy]:
    if button.kind is ButtonKind.OTHER:
        yield _("This kind of button is made in WhatsApp Manager; here it can be fetched, not changed.")
    if button.kind is ButtonKind.CODE:
        yield _("A button for a code belongs to templates of the category authentication.")
    if button.kind is ButtonKind.COPY:  # its words are Meta's
        if codes.problem_of_value(button.example):
            yield _("Enter an example of the voucher: up to %(most)s letters, digits and hyphens.", most=codes.MAX_CODE)
    elif not 0 < len(button.text) <= MAX_BUTTON or _BRACES.search(button.text):
        yield _("A button says something in up to %(most)s characters, without variables.", most=MAX_BUTTON)
    if button.kind is ButtonKind.URL and not _URL.fullmatch(button.url):
        yield _("Enter the address the button opens, with https://; a variable may stand at its end as {{1}}.")
    if button.kind is ButtonKind.URL and places(button.url) and not button.example:
        yield _("Say what stands in the button's address, for instance.")
    if button.kind is ButtonKind.PHONE and not _PHONE.fullmatch(button.phone):
        yield _("Enter the number the button calls, with its country: +5511955120148.")


def _of_examples(parts: Parts) -> Iterator[tuple[str, LazyProxy]]:
    known = {variable.name for variable in parts.variables if variable.example}
    missing = [name for name in slots_of(TemplateKind.WHATSAPP, parts) if name not in known and not name.startswith(OF_BUTTONS)]
    if missing:
        yield "variables", _("Meta wants an example for each variable; there is none for %(names)s.", names=", ".join(missing))


def said_of(problems: Mapping[str, LazyProxy]) -> str:
    return " ".join(dict.fromkeys(str(said) for said in problems.values()))
