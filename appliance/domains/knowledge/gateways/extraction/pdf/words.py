"""Words of a page with their boxes and type, in coordinates that start at the upper left corner as the page is shown."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

BOLD_WEIGHT = 600
HYPHEN_MARKS = {0x02, 0xFFFE, 0xAD}
_BOLD_NAMES = ("bold", "black", "heavy", "semibold", "demi", "cmbx")
NAME_BYTES = 128


@dataclass(slots=True)
class Word:
    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool
    hyphenated: bool = False

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(slots=True)
class Sheet:
    """A page: its number, size, words and whether lines are drawn on it."""

    number: int
    width: float
    height: float
    words: list[Word]
    ruled: bool = False
    pictured: bool = False


class Frame:
    """From PDF user space to the page as it is shown: origin, rotation."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        left, bottom, right, top = page.get_bbox()
        self.left, self.bottom, self.right, self.top = left, bottom, right, top
        self.rotation = page.get_rotation()
        self.width, self.height = page.get_size()

    def shown(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """left, top, right, bottom, downwards."""
        match self.rotation:
            case 90:
                return bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
            case 180:
                return self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
            case 270:
                return self.top - top, self.right - right, self.top - bottom, self.right - left
            case _:
                return left - self.left, self.top - top, right - self.left, self.top - bottom


class Fonts:
    """Whether a character is bold, by font weight or name; asked once a word."""

    def __init__(self, page: pdfium.FPDF_TEXTPAGE) -> None:
        self.page = page
        self.name = ctypes.create_string_buffer(NAME_BYTES)
        self.flags = ctypes.c_int()

    def is_bold(self, index: int) -> bool:
        if pdfium.FPDFText_GetFontWeight(self.page, index) >= BOLD_WEIGHT:
            return True
        length = pdfium.FPDFText_GetFontInfo(self.page, index, self.name, NAME_BYTES, ctypes.byref(self.flags))
        if not length:
            return False
        name = self.name.value.lower()
        return any(mark.encode() in name for mark in _BOLD_NAMES)


def read_words(page: pypdfium2.PdfPage, frame: Frame) -> list[Word]:
    text_page = page.get_textpage()
    try:
        raw = text_page.raw
        fonts = Fonts(raw)
        words = [_word(raw, fonts, frame, *span) for span in _spans(raw, pdfium.FPDFText_CountChars(raw))]
    finally:
        text_page.close()
    return [word for word in words if word is not None and word.right > word.left - 1]


def _spans(raw: pdfium.FPDF_TEXTPAGE, count: int) -> Iterator[tuple[str, int, int, bool]]:
    """(text, first, last, hyphenated) for each run without white space."""
    letters: list[str] = []
    first = last = 0
    get_unicode = pdfium.FPDFText_GetUnicode
    for index in range(count):
        code = get_unicode(raw, index)
        if code in HYPHEN_MARKS:
            if letters:
                yield "".join(letters), first, last, True
                letters = []
            continue
        letter = chr(code) if code < 0x110000 else ""  # noqa: PLR2004 - the end of Unicode
        if not letter.strip() or code < 0x20:  # noqa: PLR2004
            if letters:
                yield "".join(letters), first, last, False
                letters = []
            continue
        if not letters:
            first = index
        letters.append(letter)
        last = index
    if letters:
        yield "".join(letters), first, last, False


def _word(raw: pdfium.FPDF_TEXTPAGE, fonts: Fonts, frame: Frame, text: str, first: int, last: int, hyphenated: bool) -> Word | None:  # noqa: FBT001, PLR0913
    start, end = pdfium.FS_RECTF(), pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(raw, first, start) or not pdfium.FPDFText_GetLooseCharBox(raw, last, end):
        return None
    box = frame.shown(min(start.left, end.left), min(start.bottom, end.bottom), max(start.right, end.right), max(start.top, end.top))
    size = pdfium.FPDFText_GetFontSize(raw, first)
    height = box[3] - box[1]
    if size <= 1.5 or size > 4 * max(height, 1):  # the matrix scales the font, not its nominal size
        size = height * 0.8
    return Word(text, *box, size=round(size, 1), bold=fonts.is_bold(first), hyphenated=hyphenated)
