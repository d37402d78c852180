"""Text of an answer with its `[n]` turned into links to the passages it rests on."""

import re

from markupsafe import Markup, escape

from appliance.core.i18n import gettext

_CITATION = re.compile(r"\s?\[(\d{1,2})\]")
_BREAKS = re.compile(r"\n{2,}")


def cited(text: str, count: int, anchor: str, *, linked: bool = True) -> Markup:
    """Escaped paragraphs in which `[n]` leads to the element `anchor` + n; a citation of nothing stays plain text.

    Not `linked`: the marks that lead somewhere are left out.
    """
    paragraphs = [_linked(part.strip(), count, anchor if linked else "") for part in _BREAKS.split(text) if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(paragraph) for paragraph in paragraphs)


def _linked(text: str, count: int, anchor: str) -> Markup:
    parts, end = [], 0
    for found in _CITATION.finditer(text):
        number = int(found[1])
        if not 1 <= number <= count:
            continue
        if not anchor:
            parts.append(_lines(text[end : found.start()]))
            end = found.end()
            continue
        label = gettext("Source %(number)d", number=number)
        link = Markup(' <a class="cite" href="#{}{}" aria-label="{}">{}</a>').format(anchor, number, label, number)
        parts += [_lines(text[end : found.start()]), link]
        end = found.end()
    return Markup("").join([*parts, _lines(text[end:])])


def _lines(text: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in text.split("\n"))
