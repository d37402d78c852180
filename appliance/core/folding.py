"""Text as it is compared: without case, accents or compatibility forms. Folding twice changes nothing."""

import unicodedata


class _Marks(dict[int, int | None]):
    """For str.translate: combining accents go, all else stays; each letter is looked up once."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.combining(chr(code)) else code
        return self[code]


_MARKS = _Marks()


def fold(text: str) -> str:
    """`Conceição` → `conceicao`."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_MARKS)


def fold_line(text: str) -> str:
    """Also without repeated spaces: `  José  Conceição` → `jose conceicao`."""
    return " ".join(fold(text).split())
