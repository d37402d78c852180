"""Tables with lines: pdfplumber says where the cells are, PDFium's words fill them."""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from io import BytesIO
from operator import itemgetter

import pdfplumber
import pdfplumber.pdf
from pdfminer.pdfinterp import PDFPageInterpreter
from pdfminer.psexceptions import PSException
from pdfplumber.page import Page, PDFPageAggregatorWithMarkedContent
from pdfplumber.table import Table
from pdfplumber.utils.exceptions import PdfminerException

from appliance.domains.knowledge.gateways.extraction.paged import rows
from appliance.domains.knowledge.gateways.extraction.paged.words import RuledTable, Sheet, Word

Box = tuple[float, float, float, float]
CELL_WORDS = 120
NOT_OURS = (
    PSException, PdfminerException, ValueError, TypeError, LookupError, AttributeError, AssertionError, RuntimeError, ArithmeticError,
    EOFError, struct.error, zlib.error,
)


class _LinesOnly(PDFPageAggregatorWithMarkedContent):
    """Letters are passed over: where the lines are does not hang on them, and they cost two thirds of reading a page with a table."""

    def render_string(self, *_text: object, **_state: object) -> None:
        pass


class Ruler:
    """Opened on the first page that has lines; a file pdfminer cannot read simply has no ruled tables."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.opened: pdfplumber.pdf.PDF | None = None
        self.broken = False

    def take_tables(self, sheet: Sheet) -> None:
        """Moves the words of each table out of the page's flow and leaves one word in their place."""
        for cells in self._found(sheet.number):
            take_grid(sheet, cells)

    def _found(self, number: int) -> list[list[list[Box | None]]]:
        if self.broken:
            return []
        try:
            self.opened = self.opened or pdfplumber.open(BytesIO(self.content))
            page = self.opened.pages[number - 1]
            _lay_out(page)
            left, top = page.bbox[0], page.bbox[1]
            found = [_cells(table, left, top) for table in page.find_tables()]
            page.close()
        except NOT_OURS:
            self.broken = True
            return []
        return found


def _lay_out(page: Page) -> None:
    """What `page.layout` would do at its first use, without the text."""
    device = _LinesOnly(page.pdf.rsrcmgr, pageno=page.page_number, laparams=page.pdf.laparams)
    PDFPageInterpreter(page.pdf.rsrcmgr, device).process_page(page.page_obj)
    page._layout = device.get_result()  # noqa: SLF001 - the property offers no other way in


def take_grid(sheet: Sheet, cells: Sequence[Sequence[Box | None]]) -> None:
    """Moves the words inside a grid of cells from the page's flow into a table, and leaves one word in its place."""
    known = [cell for row in cells for cell in row if cell]
    if not known:
        return
    box = min(cell[0] for cell in known), min(cell[1] for cell in known), max(cell[2] for cell in known), max(cell[3] for cell in known)
    inside = [word for word in sheet.words if word.table is None and _holds(box, word)]
    held = _held(inside, cells)
    grid = [[_text(words) for words in row] for row in held]
    if not _is_table(grid):
        return
    taken = {id(word) for word in inside}
    sheet.words = [word for word in sheet.words if id(word) not in taken]
    sheet.words.append(Word("", *box, size=8.0, table=len(sheet.tables)))
    sheet.tables.append(RuledTable(grid, tuple(sorted({round(cell[0]) for cell in known})), header_rows=_bold_rows(held)))


def _held(inside: Sequence[Word], cells: Sequence[Sequence[Box | None]]) -> list[list[list[Word]]]:
    """The words of each cell: only those at its height are looked at."""
    placed = sorted(((word.middle, (word.left + word.right) / 2, word) for word in inside), key=itemgetter(0))
    heights = [middle for middle, _, _ in placed]

    def words_of(cell: Box) -> list[Word]:
        left, top, right, bottom = cell
        return [word for _, x, word in placed[bisect_left(heights, top):bisect_left(heights, bottom)] if left <= x < right]

    known = {cell: words_of(cell) for row in cells for cell in row if cell}
    return [[known[cell] if cell else [] for cell in row] for row in cells]


def _bold_rows(held: Sequence[Sequence[Sequence[Word]]]) -> int | None:
    """How many rows at the top are set in bold, if those below are not; None where type does not tell."""
    bold = [all(word.bold for words in row for word in words) and any(row) for row in held]
    depth = next((index for index, heavy in enumerate(bold) if not heavy), len(bold))
    return depth if 0 < depth < len(bold) else None


def _moved(box: Box, left: float, top: float) -> Box:
    return box[0] - left, box[1] - top, box[2] - left, box[3] - top


def _cells(table: Table, left: float, top: float) -> list[list[Box | None]]:
    """Spanned places point to the cell that covers them."""
    boxes = [_moved(cell, left, top) for cell in table.cells]
    xs, ys = sorted({round(box[0], 1) for box in boxes}), sorted({round(box[1], 1) for box in boxes})
    return [[next((box for box in boxes if _covers(box, x + 1.5, y + 1.5)), None) for x in xs] for y in ys]


def _covers(box: Box, x: float, y: float) -> bool:
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def _holds(box: Box, word: Word) -> bool:
    return _covers(box, (word.left + word.right) / 2, word.middle)


def _text(words: Iterable[Word]) -> str:
    return join((row.text, row.hyphenated) for row in rows.in_rows(words))


def join(lines: Iterable[tuple[str, bool]]) -> str:
    text = ""
    hyphenated = False
    for line, ends_in_hyphen in lines:
        text = f"{text}-{line}" if hyphenated else f"{text} {line}".strip()
        hyphenated = ends_in_hyphen
    return text + ("-" if hyphenated else "")


def _is_table(grid: list[list[str]]) -> bool:
    """At least two columns and two rows that say something; a frame around prose is none."""
    filled = [row for row in grid if any(row)]
    columns = {index for row in filled for index, cell in enumerate(row) if cell}
    return len(filled) > 1 and len(columns) > 1 and max(len(cell.split()) for row in filled for cell in row) < CELL_WORDS \
        and any(len({cell for cell in row if cell}) > 1 for row in filled)
