"""Tables as people exchange them: CSV in whatever encoding and delimiter, and cells that no spreadsheet will run."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.types import ImportRow, Sheet

SAMPLE_ROWS = 5
MAX_COLUMNS = 200
_DELIMITERS = ";,\t|"
_END = "end of file"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"
_BINARY = (_ZIP, b"\xd0\xcf\x11\xe0", b"MZ", b"%PDF-")  # .xls and what has a password, .exe, PDF
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml)\b", re.IGNORECASE)  # often called .xls
_OF_TEXT = frozenset({"", ".csv", ".tsv", ".tab", ".txt"})
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[\d.,]+")


def is_workbook(content: bytes) -> bool:
    return content.startswith(_ZIP)


def read_sheet(content: bytes, name: str = "") -> Sheet:
    """Raises InvalidField when this is no table with a line of headers, or a quotation in it never ends. `name`: the file's."""
    if not content.strip():
        raise InvalidField("file", _("This file is empty. Check it on your computer and send it again."))
    if _MARKUP.match(content):
        said = _("This is a web page or XML, whatever its name says. Open it in Excel, save it as .xlsx or CSV and send it again.")
        raise InvalidField("file", said)
    if content.startswith(_BINARY) or (b"\x00" in content and not content.startswith(_UTF_16)):
        said = _("This is an old Excel file, one with a password, or no table at all. Save it as .xlsx or CSV and send it again.")
        raise InvalidField("file", said)
    encoding = _encoding(content)
    delimiter = _delimiter(content[:65536].decode(encoding, "replace"))
    try:
        rows = iter_rows(content, encoding, delimiter)
        headers = [header.strip() for header in next(rows, ImportRow(0, ())).cells]
        sample = list(itertools.islice(rows, SAMPLE_ROWS))
        total = len(sample) + sum(1 for _row in rows)
    except (csv.Error, UnicodeError) as err:
        raise InvalidField("file", _("This file is not a table in CSV.")) from err
    if line := open_quote(content, encoding, delimiter):
        sentence = _("The quotation mark that opens on line %(line)s is never closed. Close it and send the file again.", line=line)
        raise InvalidField("file", sentence)
    if "\x00" in "".join(headers) or not any(headers) or len(headers) > MAX_COLUMNS:
        raise InvalidField("file", _("The first line of the file must name its columns."))
    if not total and PurePosixPath(name.lower()).suffix not in _OF_TEXT:
        said = _("“%(name)s” holds plain text and no table, whatever its name says. Save the table as .xlsx or CSV and send it again.",
                 name=name)  # fmt: skip
        raise InvalidField("file", said)
    if not total:
        raise InvalidField("file", _("This file names columns and has no row below them."))
    return Sheet(encoding, delimiter, headers, [list(row.cells) for row in sample], total)


def iter_rows(content: bytes, encoding: str, delimiter: str) -> Iterator[ImportRow]:
    """All rows that are not blank, the headers first; `line` is where a row ends in the file."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    reader = csv.reader(text, delimiter=delimiter)
    columns = 0
    for cells in reader:
        if any(map(str.strip, cells)):
            columns = columns or len(cells)
            yield ImportRow(reader.line_num, tuple(cells if len(cells) > 1 else _otherwise_cut(cells[0], columns)))


def _otherwise_cut(line: str, columns: int) -> list[str]:
    """A row in one piece that another delimiter cuts into as many cells as there are columns was written with that one."""
    for delimiter in _DELIMITERS if columns > 1 and len(line.splitlines()) == 1 else "":
        cells = next(csv.reader([line], delimiter=delimiter))
        if len(cells) == columns:
            return cells
    return [line]


def open_quote(content: bytes, encoding: str, delimiter: str) -> int | None:
    """The line on which the row begins that swallows the rest of the file. The csv module ends such a row without a word."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    reader = csv.reader(itertools.chain(text, [_END]), delimiter=delimiter)
    last, begins, following = [_END], 1, 1
    for row in reader:
        last, begins, following = row, following, reader.line_num + 1
    return None if last == [_END] else begins


def _encoding(content: bytes) -> str:
    if content.startswith(_UTF_16):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"  # what older spreadsheets write here; every byte means something in it
    return "utf-8-sig"


def _delimiter(text: str) -> str:
    """The one that splits the first line most."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count) if any(map(first.count, _DELIMITERS)) else ","


def safe_cell(value: object) -> str:
    """What begins like a formula is written with an apostrophe before it (OWASP, CSV injection); numbers stay numbers."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def plain_cell(text: str) -> str:
    """What `safe_cell` wrote, as it was."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def write_row(cells: list[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()
