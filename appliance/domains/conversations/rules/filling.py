"""Texts that stand ready, and what is filled into them: `Oi, {{contact.first_name|tudo bem}}!`."""

import re
from collections.abc import Mapping

from appliance.domains.conversations.types import VARIABLES

_PLACE = re.compile(r"\{\{\s*([\w.]+)\s*(?:\|([^{}]*))?\}\}")
_LEFT_OVER = re.compile(r" +([,.!?;:])")
_SPACES = re.compile(r"(?<=\S) {2,}")


def unknown_variables(text: str) -> list[str]:
    return sorted({found[1] for found in _PLACE.finditer(text)} - set(VARIABLES))


def filled(text: str, values: Mapping[str, str]) -> str:
    """A value nobody knows gives way to what stands behind the bar, else to nothing, and takes its space with it."""
    if not _PLACE.search(text):
        return text
    said = _PLACE.sub(lambda found: values.get(found[1]) or (found[2] or "").strip(), text)
    return _SPACES.sub(" ", _LEFT_OVER.sub(r"\1", said)).strip()


def first_name(name: str) -> str:
    return name.split(maxsplit=1)[0] if name.split() else ""
