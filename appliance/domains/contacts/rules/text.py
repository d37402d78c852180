"""Text made comparable."""

import unicodedata
from collections.abc import Iterable


def fold(text: str) -> str:
    """Without case, accents or repeated spaces: `  José  Conceição` → `jose conceicao`."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(char for char in apart if not unicodedata.combining(char)).split())


def search_text(parts: Iterable[str | None]) -> str:
    return " ".join(fold(part) for part in parts if part)


def tidy_tags(tags: Iterable[str]) -> list[str]:
    """Trimmed, lower case, once each, sorted."""
    return sorted({" ".join(tag.casefold().split()) for tag in tags} - {""})
