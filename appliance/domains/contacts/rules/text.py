"""Text made comparable, and whole again."""

import re
from collections.abc import Iterable

from appliance.core.folding import fold_line

_SCRAMBLED = re.compile(r"[\u00c2-\u00c5][^\x00-\x7f]|\u00e2\u20ac")  # how accents and typographic quotes begin


def search_text(parts: Iterable[str | None]) -> str:
    return " ".join(fold_line(part) for part in parts if part)


def tidy_tags(tags: Iterable[str]) -> list[str]:
    """Trimmed, lower case, once each, sorted."""
    return sorted({" ".join(tag.casefold().split()) for tag in tags} - {""})


def unscrambled(text: str) -> str:
    """UTF-8 that some program on the way took for Windows-1252, as it was: `JoÃ£o` → `João`. Anything else stays."""
    if not _SCRAMBLED.search(text):
        return text
    try:
        return b"".join(map(_byte, text)).decode("utf-8")
    except UnicodeError:
        return text


def _byte(char: str) -> bytes:
    """Windows-1252 leaves five bytes without a character; programs keep them as they are."""
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")
