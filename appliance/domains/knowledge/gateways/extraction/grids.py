"""Grids of cells → tables with a header: captions, header rows, sections and bodies told apart."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Grid = Sequence[Sequence[str]]
_VALUE = re.compile(r"(?:[A-Z]{1,3}\$|R\$|US\$|[$€£])?\s*[-+±]?\d[\d.,/:%\s-]*(?:%|[a-zA-ZçÇãÃéÉ²³°]{1,6}\.?)?")
_YEAR_OR_COUNT = re.compile(r"(?:19|20)\d\d|\d{1,2}\s?x", re.IGNORECASE)
MAX_HEADER_CELL = 70
HEADER_SEARCH = 12
MANY_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[str, ...]
    section: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[str, ...] | None
    rows: tuple[Row, ...]
    captions: tuple[str, ...] = field(default=())


def is_value(cell: str) -> bool:
    """A number, an amount, a date, a measure: what stands under a column name rather than as one."""
    return bool(_VALUE.fullmatch(cell))


def sentence(header: Sequence[str] | None, cells: Sequence[str]) -> str:
    """`Column: value; Column: value`; without a header the values alone, two columns as `name: value`, a cell over all columns alone."""
    if len(cells) > 1 and len(set(cells)) == 1:
        return cells[0]
    if header:
        named = [(name.rstrip(" :"), cell) for name, cell in zip(header, cells, strict=False) if cell]
        return "; ".join(f"{name}: {cell}" if name and name != cell else cell for name, cell in named)
    filled = [cell for cell in cells if cell]
    if len(cells) == 2 and len(filled) == 2:  # a pair
        return f"{filled[0].rstrip(' :')}: {filled[1]}"
    return "; ".join(filled)


def question_column(table: Table) -> int | None:
    """Where a table is a list of questions with their answers to the right."""
    width = len(table.rows[0].cells) if table.rows else 0
    for column in range(min(width - 1, MANY_COLUMNS)):
        asking = sum(1 for row in table.rows if row.cells[column].endswith("?"))
        if asking > 1 and asking >= 0.7 * len(table.rows) and width - column <= MANY_COLUMNS:
            return column
    return None


def read(grid: Grid, *, header_rows: int | None = None, headed: bool = True) -> list[Table]:
    """Cut at empty rows, then read each piece. `header_rows` is given where the format says it."""
    pieces = [_without_empty_columns(piece) for piece in _pieces(grid)]
    tables: list[Table] = []
    captions: tuple[str, ...] = ()
    for piece in pieces:
        table = _read_piece(piece, header_rows if not tables else None, headed=headed)
        if not table.rows:
            captions += table.captions
            continue
        if table.header is None and tables and len(piece[0]) == len(tables[-1].rows[0].cells) and not table.captions:
            table = Table(tables[-1].header, table.rows)
        tables.append(Table(table.header, table.rows, captions + table.captions))
        captions = ()
    return [*tables, Table(None, (), captions)] if captions else tables


def continued(grid: list[list[str]], header: Sequence[str]) -> list[list[str]]:
    """The rest of a table on the next page, without the header it repeats."""
    for depth in (1, 2):
        if len(grid) >= depth and _merged_header(grid[:depth]) == tuple(header):
            return grid[depth:]
    return grid


def _pieces(grid: Grid) -> Iterator[list[list[str]]]:
    width = max((len(row) for row in grid), default=0)
    piece: list[list[str]] = []
    for row in grid:
        if any(row):
            piece.append([*row, *[""] * (width - len(row))])
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _without_empty_columns(piece: list[list[str]]) -> list[list[str]]:
    kept = [index for index in range(len(piece[0])) if any(row[index] for row in piece)]
    return [[row[index] for index in kept] for row in piece]


def _distinct(row: Sequence[str]) -> int:
    return len({cell for cell in row if cell})


def _read_piece(piece: list[list[str]], header_rows: int | None, *, headed: bool) -> Table:
    start = 0
    while start < len(piece) and _distinct(piece[start]) == 1 and len(piece[0]) > 1 and header_rows is None:
        start += 1
    captions = tuple(next(cell for cell in row if cell) for row in piece[:start])
    body = piece[start:]
    if not body or len(body[0]) == 1:
        return Table(None, (), captions + tuple(row[0] for row in body))
    body = _without_empty_columns(body)
    depth = header_depth(body, headed=headed) if header_rows is None else min(header_rows, len(body) - 1)
    header = _merged_header(body[:depth]) if depth else None
    return Table(header, tuple(_rows(body[depth:], header)), captions)


def header_depth(body: list[list[str]], *, headed: bool = True) -> int:
    """How many rows at the top name the columns: 0, 1 or 2. Two columns without a sign of a header are pairs."""
    labelled = 2 * sum(row[0].endswith(":") for row in body) > len(body)
    if len(body[0]) == 2 and (labelled or (not headed and not _is_column_of_values(body[1:]))):
        return 0
    if len(body) < 2 or not looks_like_header(body[0], body[1:]):  # a header needs a body
        return 0
    spanning = _distinct(body[0]) < sum(1 for cell in body[0] if cell) or not all(body[0])
    second = len(body) > 2 and spanning and _names_columns(body[1]) and _has_values(body[2:]) and not _has_values([body[1]])
    return 2 if second else 1


def looks_like_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    if not _names_columns(row):
        return False
    values = [index for index, cell in enumerate(row) if is_value(cell) and not _YEAR_OR_COUNT.fullmatch(cell)]
    return len(values) * 3 <= len(row) and not (values and all(is_value(line[values[0]]) for line in below[:HEADER_SEARCH]))


def _names_columns(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    return len(filled) * 2 >= len(row) and len(filled) > 1 and all(len(cell) <= MAX_HEADER_CELL for cell in filled) \
        and not any(cell.endswith((".", ";", "!")) and " " in cell for cell in filled)


def _is_column_of_values(rows: Sequence[Sequence[str]]) -> bool:
    return bool(rows) and 2 * sum(any(map(str.isdigit, row[1])) for row in rows) > len(rows)


def _has_values(rows: Sequence[Sequence[str]]) -> bool:
    return any(is_value(cell) for row in rows[:HEADER_SEARCH] for cell in row)


def _merged_header(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Two header rows become one: `Group Name`; spanning cells reach to the right until the next filled one."""
    if len(rows) == 1:
        return tuple(rows[0])
    top: list[str] = []
    for cell in rows[0]:
        top.append(cell or (top[-1] if top and top[-1] else ""))
    return tuple(f"{above} {below}".strip() if above != below else below for above, below in zip(top, rows[1], strict=True))


def _rows(body: Sequence[Sequence[str]], header: tuple[str, ...] | None) -> Iterator[Row]:
    section: tuple[str, ...] = ()
    for row, below in zip(body, [*body[1:], ()], strict=True):
        if header and tuple(row) == header:
            continue
        if _is_section(row) and below and not _is_section(below):
            section = (row[0],)
            continue
        yield Row(tuple(row), section)


def _is_section(row: Sequence[str]) -> bool:
    """A short name over the whole width, for the rows below it."""
    spans = len(row) >= MANY_COLUMNS and _distinct(row) == 1 and bool(row[0])
    return spans and len(row[0]) <= MAX_HEADER_CELL and not is_value(row[0]) and not row[0].endswith(".")
