"""What a customer could ask of some documents: their own questions first, then what their headings name."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from appliance.domains.knowledge.rules import words

MOST_WORDS, LEAST_LETTERS = 10, 5
_NUMBERING = re.compile(r"^(?:(?:cap[ií]tulo|se[cç][aã]o|anexo|chapter|section)\s+[\dIVX]+\b|\d+(?:\.\d+)*\.?(?=\s)|[IVX]+\.)\s*[–—:.-]*\s*", re.IGNORECASE)


def suggestions(paths: Iterable[Sequence[Sequence[str]]], limit: int) -> list[str]:
    """`paths`: by document, the heading paths of some of its text. Documents take turns."""
    found: dict[str, str] = {}
    for line in chain.from_iterable(zip_longest(*map(_askable, paths))):
        if line:
            found.setdefault(words.fold(line), line)
    return list(found.values())[:limit]


def _askable(paths: Sequence[Sequence[str]]) -> list[str]:
    """Questions before headings, each in the order it stands in. The first heading is the document's own name."""
    lines = [_NUMBERING.sub("", path[-1]).strip() for path in paths if path[1:] or (path and path[-1].endswith("?"))]
    fitting = [line for line in dict.fromkeys(lines) if _fits(line)]
    questions = [line for line in fitting if line.endswith("?")]
    return questions + [f"{line}?" for line in fitting if not line.endswith("?")]


def _fits(line: str) -> bool:
    letters = sum(char.isalpha() for char in line)
    return letters >= LEAST_LETTERS and len(line.split()) <= MOST_WORDS and not line.endswith((".", ":", ";"))
