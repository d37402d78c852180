"""`python -m …child ROWS`: the workbook at stdin as CSV to stdout. Knows no keys and no settings."""

import csv
import io
import itertools
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from appliance.core import confinement
from appliance.domains.contacts.gateways.workbook import limits

EXACT = 2**53  # beyond it a spreadsheet itself no longer knows every digit
TITLE_ROWS = 10  # a heading may stand above the names of the columns
_DAMAGED = (InvalidFileException, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, SyntaxError, EOFError, zlib.error)
_ZEROS = re.compile(r"0[0.\-/\\ ]*")  # a number that is shown with its leading zeros, like a CPF


def rows_of(content: bytes) -> tuple[int, Iterator[list[str]]]:
    """How many the first sheet that holds something says it has, and they; blank ones are kept, so that row and line stay one."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        total = int(sheet.max_row or 0)
        sheet.reset_dimensions()  # some programs write them wrong
        rows = _until_empty(map(_texts, sheet.iter_rows(max_row=limits.MOST_ROWS, max_col=limits.MOST_COLUMNS)))
        first = list(itertools.islice(rows, TITLE_ROWS))
        if any(first):
            return total, itertools.chain(_without_title(first), rows)
    return 0, iter(())


def _until_empty(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    blank = 0
    for row in rows:
        blank = 0 if row else blank + 1
        if blank > limits.EMPTY_ROWS_END:
            return
        yield row


def _without_title(rows: list[list[str]]) -> list[list[str]]:
    """Rows of one cell above the first with more are no names of columns."""
    head = next((place for place, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    return [[] for _row in rows[:head]] + rows[head:]


def _texts(cells: Iterable[object]) -> list[str]:
    row = [_text(getattr(cell, "value", None), cell) for cell in cells]
    while row and not row[-1]:
        row.pop()
    return row


def _text(value: object, cell: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case int() | float() if abs(value) < EXACT and value == int(value):
            return _number(int(value), str(getattr(cell, "number_format", "")))
        case datetime() if value.time() == time():
            return f"{value:%Y-%m-%d}"
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return " ".join(str(value).split())


def _number(value: int, number_format: str) -> str:
    """Digits as they are shown: no decimal point, with the zeros in front that the format asks for."""
    shown = number_format.replace('"', "")
    return str(value).zfill(shown.count("0")) if _ZEROS.fullmatch(shown) and "." not in shown.replace("\\.", "") else str(value)


def main() -> int:
    confinement.die_with_parent()
    wanted = int(sys.argv[1]) or None
    seconds = limits.PEEK_CPU_S if wanted else limits.CPU_S
    confinement.confine(
        memory_bytes=limits.MEMORY_BYTES, cpu_seconds=seconds, file_bytes=limits.TEXT_BYTES, open_files=limits.OPEN_FILES
    )
    try:
        total, rows = rows_of(sys.stdin.buffer.read())
        with io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="") as out:
            out.write(f"{total}\n")
            csv.writer(out, lineterminator="\n").writerows(itertools.islice(rows, wanted))
    except (MemoryError, OSError):
        return limits.TOO_LARGE
    except _DAMAGED:
        return limits.DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main())
