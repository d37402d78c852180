"""XLSX: every sheet, values as people see them, merged cells filled, the real header row found."""

import re
import zipfile
from datetime import date, datetime, time
from io import BytesIO

import openpyxl
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure, ExtractionWarning

_UNCALCULATED = re.compile(rb"<f[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_CURRENCY = re.compile(r"\[\$([^\]-]+)[^\]]*\]|(R\$|US\$|[$€£])")
_UNIT = re.compile(r'"([^"]{1,12})"\s*$')
_DECIMALS = re.compile(r"[0#?]\.([0#]+)")
CELLS_MAX = 3_000_000
COLUMNS_MAX = 512
EMPTY_ROWS_END = 500
LANGUAGE_CELLS = 400
DIGITS = 10


def read(content: bytes, composer: Composer, limits: Limits) -> int:
    del limits
    try:
        book = openpyxl.load_workbook(BytesIO(content), data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, zipfile.BadZipFile, SyntaxError) as problem:
        raise Unreadable(ExtractionFailure.CORRUPT, str(problem)) from problem
    composer.title, composer.author = book.properties.title, book.properties.creator
    sheets: list[Worksheet] = [sheet for sheet in book.worksheets if isinstance(sheet, Worksheet)]
    comma = has_decimal_comma(sheets)
    if _has_uncalculated(content):
        composer.warn(ExtractionWarning.FORMULAS_WITHOUT_VALUES)
    for number, sheet in enumerate(sheets, 1):
        composer.turn_to(number, len(sheets))
        grid = _grid(sheet, comma=comma)
        if not any(any(row) for row in grid):
            continue
        if sheet.sheet_state != "visible":
            composer.warn(ExtractionWarning.HIDDEN_SHEETS)
        composer.source = sheet.title
        composer.heading(sheet.title, 1)
        composer.grid(grid)
    return len(sheets)


def _grid(sheet: Worksheet, *, comma: bool) -> list[list[str]]:
    grid: list[list[str]] = []
    empty = 0
    for cells in sheet.iter_rows(max_col=min(sheet.max_column or 1, COLUMNS_MAX)):
        row = [shown(cell, comma=comma) for cell in cells]
        empty = 0 if any(row) else empty + 1
        if empty > EMPTY_ROWS_END or len(grid) * len(row) > CELLS_MAX:
            break
        grid.append(row)
    for span in sheet.merged_cells.ranges:
        if span.min_row > len(grid):
            continue
        text = grid[span.min_row - 1][span.min_col - 1] if span.min_col <= len(grid[0]) else ""
        for row in grid[span.min_row - 1:span.max_row]:
            row[span.min_col - 1:span.max_col] = [text] * (min(span.max_col, len(row)) - span.min_col + 1)
    return grid


def shown(cell: Cell | MergedCell, *, comma: bool) -> str:
    """The value in the cell's own format, with its comment."""
    text = _shown_value(cell.value, str(cell.number_format or ""), comma=comma)
    comment = getattr(cell, "comment", None)
    return f"{text} ({comment.text})" if comment and comment.text else text


def _shown_value(value: object, form: str, *, comma: bool) -> str:  # noqa: PLR0911 - one line a type
    match value:
        case None:
            return ""
        case bool():
            return ("Sim" if value else "Não") if comma else ("Yes" if value else "No")
        case datetime():
            moment = "" if value.time() == time(0) else f" {value:%H:%M}"
            return _shown_date(value, comma=comma) + moment
        case date():
            return _shown_date(value, comma=comma)
        case time():
            return f"{value:%H:%M}"
        case int() | float():
            return _shown_number(value, form.split(";", maxsplit=1)[0], comma=comma)
        case _:
            return str(value).strip()


def _shown_date(value: date, *, comma: bool) -> str:
    return f"{value:%d/%m/%Y}" if comma else f"{value:%Y-%m-%d}"


def _shown_number(value: float, form: str, *, comma: bool) -> str:
    percent = "%" in form
    decimals = _DECIMALS.search(form)
    amount = value * 100 if percent else value
    if decimals:
        text = f"{amount:,.{len(decimals.group(1))}f}"
    elif form in {"General", "@", ""} or percent:
        text = f"{round(amount, DIGITS):.{DIGITS}f}".rstrip("0").rstrip(".")
    else:
        text = f"{amount:,.0f}"
    if "," not in form:
        text = text.replace(",", "")
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    symbol = _CURRENCY.search(form)
    unit = _UNIT.search(form)
    if symbol:
        text = f"{(symbol.group(1) or symbol.group(2)).strip()} {text}"
    return f"{text}%" if percent else f"{text} {unit.group(1).strip()}" if unit and not symbol else text


def has_decimal_comma(sheets: list[Worksheet]) -> bool:
    """Numbers are stored without a language: the words beside them, or the real in a format, tell it."""
    words: list[str] = []
    for sheet in sheets:
        for row in sheet.iter_rows(max_row=60, max_col=40):
            for cell in row:
                if "R$" in str(cell.number_format):
                    return True
                if isinstance(cell.value, str) and len(words) < LANGUAGE_CELLS:
                    words.append(cell.value)
    if not words:
        return True
    import py3langid  # noqa: PLC0415 - its model takes half a second to load

    return py3langid.classify(" ".join(words))[0] not in {"en", "zh", "ja", "ko"}


def _has_uncalculated(content: bytes) -> bool:
    with zipfile.ZipFile(BytesIO(content)) as package:
        return any(_UNCALCULATED.search(package.read(name)) for name in package.namelist() if name.startswith("xl/worksheets/sheet"))
