"""Words out of PDFium."""

import ctypes
import re
import sys
from collections.abc import Iterator
from functools import partial
from itertools import groupby

import pypdfium2
import pypdfium2.raw as pdfium

from appliance.domains.knowledge.gateways.extraction.paged.words import Rule, Word

BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|cmbx", re.IGNORECASE)
_RUN = re.compile(r"([^\s\x00-\x1f\xad\ufffe]+)([\x02\xad\ufffe])?")  # with the mark of a hyphen behind it
_DECIMAL = re.compile(r"\d")
NAME_BYTES = 128
RAISED = 0.8
Span = tuple[str, int, int, bool]
THIN = 3.0
NOMINAL = 1.5
UNREADABLE = "\ufffd"


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


class Letters:
    """What a page's characters look like. Letters shown by one object share their type: it is asked for once an object."""

    def __init__(self, page: pdfium.FPDF_TEXTPAGE, frame: Frame) -> None:
        self.page, self.frame = page, frame
        self.name = ctypes.create_string_buffer(NAME_BYTES)
        self.flags = ctypes.byref(ctypes.c_int())
        self.start, self.end = pdfium.FS_RECTF(), pdfium.FS_RECTF()
        self.shower: int | None = None
        self.type = 0.0, False

    def word(self, text: str, first: int, last: int, hyphenated: bool) -> Word | None:  # noqa: FBT001
        start, end = self.start, self.end
        if not pdfium.FPDFText_GetLooseCharBox(self.page, first, start) or not pdfium.FPDFText_GetLooseCharBox(self.page, last, end):
            return None
        left, top, right, bottom = self.frame.shown(
            min(start.left, end.left), min(start.bottom, end.bottom), max(start.right, end.right), max(start.top, end.top))
        size, bold = self.type_of(first)
        height = bottom - top
        if size <= NOMINAL or size > 4 * max(height, 1):  # the matrix scales the font, not its nominal size
            size = height * 0.8
        return Word(text, left, top, right, bottom, round(size, 1), bold, hyphenated)

    def type_of(self, index: int) -> tuple[float, bool]:
        """Size, and whether it is bold."""
        found = pdfium.FPDFText_GetTextObject(self.page, index)
        shower = ctypes.addressof(found.contents) if found else None
        if shower is None or shower != self.shower:
            self.shower, self.type = shower, (pdfium.FPDFText_GetFontSize(self.page, index), self._is_bold(index))
        return self.type

    def _is_bold(self, index: int) -> bool:
        """By font weight or name."""
        if pdfium.FPDFText_GetFontWeight(self.page, index) >= BOLD_WEIGHT:
            return True
        length = pdfium.FPDFText_GetFontInfo(self.page, index, self.name, NAME_BYTES, self.flags)
        return bool(length and _BOLD_NAME.search(self.name.value))


def read_words(page: pypdfium2.PdfPage, frame: Frame) -> list[Word]:
    text_page = page.get_textpage()
    try:
        raw = text_page.raw
        letters = Letters(raw, frame)
        spans = (part for span in _spans(raw, pdfium.FPDFText_CountChars(raw)) for part in _without_marks(raw, span))
        words = [letters.word(*span) for span in spans]
    finally:
        text_page.close()
    return [word for word in words if word is not None and word.right > word.left - 1]


def _without_marks(raw: pdfium.FPDF_TEXTPAGE, span: Span) -> Iterator[Span]:
    """Small digits stuck to a word, the marks of footnotes and powers, become words of their own."""
    text, first, last, hyphenated = span
    if text.isdecimal() or not _DECIMAL.search(text):
        yield span
        return
    size = pdfium.FPDFText_GetFontSize(raw, first)
    place = first
    for _, letters in groupby(text, key=lambda letter: letter.isdecimal()):
        part = list(letters)
        if place > first and part[0].isdecimal() and pdfium.FPDFText_GetFontSize(raw, place) < RAISED * size:
            yield text[:place - first], first, place - 1, False
            yield "".join(part), place, place + len(part) - 1, hyphenated and place + len(part) > last
            if place + len(part) <= last:
                yield text[place - first + len(part):], place + len(part), last, hyphenated
            return
        place += len(part)
    yield span


def _spans(raw: pdfium.FPDF_TEXTPAGE, count: int) -> Iterator[Span]:
    """(text, first, last, hyphenated) for each run without white space."""
    for run in _RUN.finditer(_text(raw, count)):
        yield run[1], run.start(1), run.end(1) - 1, run[2] is not None


def _text(raw: pdfium.FPDF_TEXTPAGE, count: int) -> str:
    """A letter for each of `count` places. In one call, unless that leaves out what has no letter or parts what has two."""
    buffer = (ctypes.c_ushort * (count + 1))()
    if pdfium.FPDFText_GetText(raw, 0, count, buffer) == count + 1:
        text = bytes(buffer)[:2 * count].decode("utf-16-le", "replace")
        if len(text) == count and UNREADABLE not in text:
            return text
    codes = map(partial(pdfium.FPDFText_GetUnicode, raw), range(count))
    return "".join([chr(code) if code <= sys.maxunicode else " " for code in codes])


def drawn_rules(page: pypdfium2.PdfPage, frame: Frame) -> tuple[bool, list[Rule]]:
    """Whether enough lines or boxes are drawn for a table (an underline or a frame is not), and the horizontal lines."""
    down = boxes = 0
    across: list[Rule] = []
    for thing in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=4):
        try:
            left, bottom, right, top = thing.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        width, height = right - left, top - bottom
        if width > 5 * THIN and height < THIN:
            start, y, end, _ = frame.shown(left, bottom, right, top)
            across.append(Rule(y, start, end))
        down += height > 2 * THIN and width < THIN
        boxes += width > 5 * THIN and height > 2 * THIN
    return boxes > 1 or (len(across) > 1 and down > 1), across


def picture_share(page: pypdfium2.PdfPage) -> float:
    """How much of the page its largest picture covers."""
    size: tuple[float, float] = page.get_size()
    areas: list[float] = [0.0]
    for thing in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        try:
            left, bottom, right, top = thing.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        areas.append(max(0.0, right - left) * max(0.0, top - bottom))
    return max(areas) / max(size[0] * size[1], 1.0)
