"""Text as it should have been typed: NFC, no control characters, single spaces."""

import re
import unicodedata

_REMOVED = {0x00AD: None, 0xFEFF: None, 0x200B: None, 0x2060: None, 0x200E: None, 0x200F: None} | {
    code: " " if chr(code) in "\t\n\v\f\r\x85" else None for code in [*range(0x20), *range(0x7F, 0xA0)]
} | dict.fromkeys(range(0x202A, 0x202F)) | dict.fromkeys(range(0xE000, 0xF900))
_BULLETS = dict.fromkeys((0xF0A7, 0xF0B7, 0xF0D8, 0xF0FC, 0xF076), "•")  # Symbol and Wingdings in the private area
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_TABLE = _REMOVED | _BULLETS | str.maketrans(_LIGATURES)
_TABLE[0xFFFE] = "-"
_KEEP_LINES = {**_TABLE, 0x0A: "\n"}
_LEADERS = re.compile(r"(?:\s*[.·…]){4,}\s*(?=\S)")
_BLANK_TO_FILL = re.compile(r"_{4,}")
_SPACES = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u3000]+")
_HALVES = re.compile("[\ud800-\udfff]")
_SPACES_IN_LINE = re.compile(r"[^\S\n]+")


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def raised(text: str) -> str:
    """The mark of a footnote, the square of a metre: never a digit more in the number before it."""
    return text.translate(_RAISED) if text.strip().isdecimal() else text


def whole(text: str) -> str:
    """No lone surrogates: pairs are joined, halves replaced."""
    if _HALVES.search(text):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def line(text: str) -> str:
    """One line, single spaces."""
    plain = unicodedata.normalize("NFC", whole(text).translate(_TABLE))
    return _SPACES.sub(" ", _BLANK_TO_FILL.sub(" ", _LEADERS.sub(" … ", plain))).strip()


def lines(text: str) -> str:
    """Like `line`, line breaks kept."""
    unified = whole(text).replace("\r\n", "\n").replace("\r", "\n")
    spaced = _SPACES_IN_LINE.sub(" ", unicodedata.normalize("NFC", unified.translate(_KEEP_LINES)))
    return "\n".join(part.strip() for part in spaced.split("\n")).strip("\n")
