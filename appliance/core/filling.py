"""Texts that stand ready, and what is filled into their places: `Oi, {{contact.first_name|tudo bem}}!`. No logic, so nothing to inject."""

import re
from collections.abc import Callable, Mapping

PLACE = re.compile(r"\{\{\s*([\w.]+)\s*(?:\|([^{}]*))?\}\}")
_GAP = "\x00"  # where a value is missing
_COMMA_BEFORE = re.compile(rf",\s*{_GAP}\s*(?=[,.!?;:]|$)", re.MULTILINE)
_BEGINNING = re.compile(rf"^{_GAP}\s*[,;:]\s*(\w)", re.MULTILINE)
_LEFT_OVER = re.compile(r" +([,.!?;:])")
_SPACES = re.compile(r"(?<=\S) {2,}")


def places(text: str) -> list[str]:
    """What is filled in, once each, in order."""
    return list(dict.fromkeys(found[1] for found in PLACE.finditer(text)))


def filled(text: str, values: Mapping[str, str], *, write: Callable[[str], str] = str) -> str:
    """A value nobody knows gives way to what stands behind the bar, else to nothing, and takes its space and comma with it.

    `write`: how a value is put down where the text is no plain text.
    """
    if not PLACE.search(text):
        return text

    def value(found: re.Match[str]) -> str:
        known = values.get(found[1]) or (found[2] or "").strip()
        return write(known) if known else _GAP

    said = _BEGINNING.sub(lambda begun: begun[1].upper(), _COMMA_BEFORE.sub("", PLACE.sub(value, text))).replace(_GAP, "")
    return _SPACES.sub(" ", _LEFT_OVER.sub(r"\1", said)).strip()
