"""CSV in all its dialects. Values stay as written: a decimal comma is a decimal comma."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator

from appliance.domains.knowledge.gateways.extraction import encodings
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure, ExtractionWarning

DELIMITERS = ";\t|,"
SAMPLE_ROWS = 50
FIELD_BYTES = 1 << 20
END = "end of file"
STEADY = 0.8


def read(content: bytes, composer: Composer, limits: Limits) -> None:
    del limits
    text, guessed = encodings.decode(content)
    if guessed:
        composer.warn(ExtractionWarning.ENCODING_GUESSED)
    csv.field_size_limit(FIELD_BYTES)
    delimiter = declared_delimiter(text) or best_delimiter(text)
    if text.startswith("sep="):
        text = text.split("\n", 1)[-1]
    composer.grid([[cell.strip() for cell in row] for row in rows_of(text.replace("\0", ""), delimiter)])


def rows_of(text: str, delimiter: str) -> Iterator[list[str]]:
    """Raises Unreadable when a quotation swallows the end of the file: the csv module would make one row of it without a word."""
    reader = csv.reader(itertools.chain(io.StringIO(text, newline=""), [END]), delimiter=delimiter)
    last, begins, following = [END], 1, 1
    for row in reader:
        if following > 1:
            yield last
        last, begins, following = row, following, reader.line_num + 1
    if last != [END]:
        raise Unreadable(ExtractionFailure.OPEN_QUOTE, line=begins)


def declared_delimiter(text: str) -> str | None:
    """Excel's own first line `sep=;`."""
    return text[4] if text.startswith("sep=") and len(text) > 4 and text[4] in DELIMITERS else None


def best_delimiter(text: str) -> str:
    """The one that cuts most rows into the same number of fields, more fields winning a tie."""
    return max(DELIMITERS, key=lambda delimiter: _steadiness(text, delimiter))


def looks_delimited(text: str) -> bool:
    """A text file without the right name is a table only if it is one almost everywhere."""
    rows = [row for row in text.splitlines()[:SAMPLE_ROWS] if row.strip()]
    if len(rows) < 3:
        return False
    share, width, _ = max(_steadiness(text, delimiter) for delimiter in ";\t|")
    return share >= STEADY and width > 1


def _steadiness(text: str, delimiter: str) -> tuple[float, int, int]:
    try:
        rows = [row for row in csv.reader(io.StringIO("\n".join(text.splitlines()[:SAMPLE_ROWS])), delimiter=delimiter) if any(row)]
    except csv.Error:
        return 0.0, 0, 0
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0, 1, 0
    width, count = widths.most_common(1)[0]
    return round(count / len(rows), 2), width, -DELIMITERS.index(delimiter)
