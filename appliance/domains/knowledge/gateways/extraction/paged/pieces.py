"""Rows of a column → pieces: paragraphs, list items and tables."""

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from appliance.domains.knowledge.gateways.extraction.paged import borderless, columns
from appliance.domains.knowledge.gateways.extraction.paged.rows import Row
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet

JOINED_LINE = "\u00ad"
BULLET = re.compile(r"^(?:[•·▪►‣◦■□●○\u2013\u2014*-]|o(?= [A-ZÀ-Ý]))\s+")
MARKED = re.compile(r"^(?:[•·▪►‣◦■□●○\u2013\u2014*-]|o(?= [A-ZÀ-Ý])|\(?\d{1,2}[.)](?!\d)|\(?[a-zA-Z][.)]|[ivxIVX]{1,4}[.)])\s+\S")
_ENDED = re.compile(r"[.!?:;…][\"”')\]]?$")
SAME_SIZE, SAME_SIZE_SCANNED = 0.08, 0.35
EXTRA_LEADING, USUAL_LEADING = 0.4, 1.2
SHORT_LINE, STOPPED_LINE = 0.6, 0.88
ROOM = 1.5  # of the type size: a space, and some slack for ragged lines


@dataclass(slots=True)
class Piece:
    page: int
    size: float
    bold: bool
    top: float
    height: float
    """Of the page, to know how far down it stands."""
    lines: list[tuple[str, bool]] = field(default_factory=list)
    grid: list[list[str]] | None = None
    lefts: tuple[float, ...] = ()
    header_rows: int | None = None
    item: bool = False
    scanned: bool = False
    starts_column: bool = False

    @property
    def text(self) -> str:
        parts: list[str] = []
        for line, hyphenated in self.lines:
            parts.append(line)
            parts.append(JOINED_LINE if hyphenated else " ")
        return "".join(parts[:-1]) + ("-" if self.lines and self.lines[-1][1] else "")

    @property
    def ended(self) -> bool:
        return bool(_ENDED.search(self.lines[-1][0])) if self.lines else True


def of_sheet(sheet: Sheet, rows: list[Row]) -> Iterator[Piece]:
    for group in columns.in_reading_order(rows):
        for index, piece in enumerate(_of_column(sheet, group)):
            piece.starts_column = index == 0
            yield piece


def _of_column(sheet: Sheet, rows: list[Row]) -> Iterator[Piece]:
    tables = {found.start: found for found in borderless.find(rows, sheet.rules)}
    text: list[Row] = []
    index = 0
    while index < len(rows):
        found = tables.get(index)
        row = rows[index]
        if found is None and row.table is None:
            text.append(row)
            index += 1
            continue
        yield from _paragraphs(sheet, text)
        text = []
        table = found or sheet.tables[row.table or 0]
        yield Piece(sheet.number, row.size, False, row.top, sheet.height, grid=table.grid, lefts=table.lefts, header_rows=table.header_rows)
        index = found.end if found else index + 1
    yield from _paragraphs(sheet, text)


def _paragraphs(sheet: Sheet, rows: Sequence[Row]) -> Iterator[Piece]:
    if not rows:
        return
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    usual = statistics.median_low([row.size for row in rows])
    gaps = sorted(max(0.0, below.top - above.bottom) for above, below in pairwise(rows))
    leading = min(gaps[len(gaps) // 4], USUAL_LEADING * rows[0].size) if gaps else 0.0
    reach = _reach(rows, leading)
    piece: Piece | None = None
    for index, row in enumerate(rows):
        before = rows[index - 1] if index else None
        forced = before is not None and row.size <= 1.1 * usual and not row.bold and _had_room(before, row, reach[index])
        if piece is None or before is None or forced or _parts(sheet, before, row, piece, leading, (left, right)):
            if piece:
                yield piece
            piece = Piece(sheet.number, row.size, row.bold, row.top, sheet.height, item=bool(MARKED.match(row.text)), scanned=sheet.scanned)
        piece.lines.append((row.text.removesuffix("-") if row.hyphenated else row.text, row.hyphenated))
    if piece:
        yield piece


def _reach(rows: Sequence[Row], leading: float) -> list[float]:
    """How far to the right the lines around each row go."""
    reach: list[float] = []
    run: list[Row] = []
    for row in [*rows, None]:
        if row is None or (run and row.top - run[-1].bottom > leading + EXTRA_LEADING * row.size):
            reach.extend([max(other.right for other in run)] * len(run))
            run = []
        if row is not None:
            run.append(row)
    return reach


def _had_room(before: Row, row: Row, reach: float) -> bool:
    """The first word of this line would have fitted on the line before: somebody broke the line on purpose."""
    first = row.words[0]
    return not before.hyphenated and before.right + (first.right - first.left) + ROOM * row.size < reach


def _parts(sheet: Sheet, before: Row, row: Row, piece: Piece, leading: float, column: tuple[float, float]) -> bool:
    """Whether a new paragraph starts with `row`."""
    size = max(before.size, row.size)
    width = max(column[1] - column[0], 1.0)
    reach = (before.right - column[0]) / width
    if row.top - before.bottom > leading + EXTRA_LEADING * size or MARKED.match(row.text):
        return True
    alike = SAME_SIZE_SCANNED if sheet.scanned else SAME_SIZE
    if abs(before.size - row.size) > alike * size or (before.bold != row.bold and not sheet.scanned):
        return True
    if before.hyphenated:
        return False
    stopped = bool(_ENDED.search(before.text))
    if piece.item and stopped and row.left <= _item_left(before, piece) + 1:
        return True
    capital = row.text[:1].isupper()
    indented = row.left > before.left + size and not piece.item and stopped
    breaks_after_stop = stopped and reach < STOPPED_LINE and (capital or not row.text[:1].isalpha())
    return indented or breaks_after_stop or (reach < SHORT_LINE and capital and not piece.item)


def _item_left(before: Row, piece: Piece) -> float:
    """Where the marker of the item stands, as far as its first line shows it."""
    return before.left if len(piece.lines) == 1 else before.left - 2 * before.size
