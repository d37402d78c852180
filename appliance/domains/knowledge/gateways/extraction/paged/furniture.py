"""What every page repeats (running heads, feet, page numbers) and tables of contents."""

import re
import statistics
from collections import Counter
from collections.abc import Iterator

from appliance.domains.knowledge.gateways.extraction.paged.rows import Row

Pages = list[list[Row]]
MARGIN = 0.13
MOST_ROWS = 4
TITLE = 1.2  # of the text: "Chapter 7" in large type on page 7 is a heading
FEW_PAGES, OFTEN = 4, 3
_NUMBER = re.compile(r"\d{1,4}")
_PAGE_NUMBER = re.compile(
    r"[-\u2013\u2014·|\s]*(?:(?:p[áa]g(?:ina)?s?|page|pg|p|folha|fl)\.?\s*)?"
    r"(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|de|of|-)\s*\d{1,4})?[-\u2013\u2014·|\s]*", re.IGNORECASE)
_LEADERS = re.compile(r"(?:[.·…_]\s?){4,}\s*(\d{1,4})\s*$")
_CONTENTS = re.compile(r"(?:sum[áa]rio|[íi]ndice(?: geral)?|conte[úu]do|(?:table of )?contents)\s*:?", re.IGNORECASE)
_ENDS_IN_NUMBER = re.compile(r"\D\s+(\d{1,4})$")
MANY_ENTRIES = 3


def without_furniture(pages: Pages, heights: list[float]) -> tuple[Pages, list[str]]:
    """The rows that are text, and what the margins of most pages say, each sentence once."""
    repeated = _repeated(pages, heights)
    kept: Pages = []
    said: Counter[str] = Counter()
    for number, (rows, height) in enumerate(zip(pages, heights, strict=True)):
        gone = set(_margin_rows(rows, height, repeated, number))
        if len(gone) == len(rows):  # a page of one line is no furniture
            gone = {index for index in gone if _PAGE_NUMBER.fullmatch(rows[index].text)}
        for index in sorted(gone):
            said[_without_page_number(rows[index].text)] += 1
        kept.append([row for index, row in enumerate(rows) if index not in gone])
    return kept, [text for text, count in said.items() if text and 2 * count >= len(pages)]


def _keys(text: str, page: int) -> Iterator[tuple[str, int | None]]:
    """The text itself, and the text with each number that might count pages taken relative to this page."""
    folded = " ".join(text.casefold().split())
    yield folded, None
    for match in _NUMBER.finditer(folded):
        yield f"{folded[:match.start()]}#{folded[match.end():]}", int(match.group()) - page


def _edge_rows(rows: list[Row], height: float) -> Iterator[list[int]]:
    """Row numbers in the upper margin from the edge inwards, then in the lower one; a lone page number may stand further in."""
    yield [index for index in range(min(MOST_ROWS, len(rows))) if rows[index].bottom < MARGIN * height]
    lowest = len(rows) - 1
    yield [index for index in reversed(range(max(0, len(rows) - MOST_ROWS), len(rows))) if rows[index].top > (1 - MARGIN) * height or (
        index == lowest and rows[index].top > (1 - 2 * MARGIN) * height and _PAGE_NUMBER.fullmatch(rows[index].text))]


def _repeated(pages: Pages, heights: list[float]) -> set[tuple[str, int | None]]:
    counts: Counter[tuple[str, int | None]] = Counter()
    for number, (rows, height) in enumerate(zip(pages, heights, strict=True)):
        edges = [rows[index] for edge in _edge_rows(rows, height) for index in edge]
        counts.update({key for row in edges if row.table is None for key in _keys(row.text, number)})
    enough = 2 if len(pages) <= FEW_PAGES else OFTEN
    return {key for key, count in counts.items() if count >= enough}


def _margin_rows(rows: list[Row], height: float, repeated: set[tuple[str, int | None]], number: int) -> Iterator[int]:
    body = statistics.median_low([row.size for row in rows]) if rows else 0.0
    for edge in _edge_rows(rows, height):
        for index in edge:
            row = rows[index]
            known = any(key in repeated for key in _keys(row.text, number) if key[1] is None or row.size < TITLE * body)
            if row.table is not None or not (known or _PAGE_NUMBER.fullmatch(row.text)):
                break
            yield index


def _without_page_number(text: str) -> str:
    cleaned = re.sub(r"(?:p[áa]g(?:ina)?\.?|page|folha)\s*\d+(?:\s*(?:/|de|of)\s*\d+)?", "", text, flags=re.IGNORECASE)
    return "" if _PAGE_NUMBER.fullmatch(cleaned) else cleaned.strip(" -\u2013\u2014|·")


def without_contents(pages: Pages) -> Pages:
    """Entries with dot leaders go anywhere; plain ones only below a title that says it is a table of contents."""
    kept: Pages = []
    inside = False
    for rows in pages:
        titles = [index for index, row in enumerate(rows) if _CONTENTS.fullmatch(row.text.strip())]
        entries = _entries(rows, 0, len(pages), _LEADERS)
        if len(entries) < MANY_ENTRIES:
            entries = set()
        if (titles or inside) and rows:
            first = titles[0] if titles else 0
            numbered = _entries(rows, first, len(pages), _ENDS_IN_NUMBER)
            inside = len(numbered | entries) >= 0.5 * max(len(rows) - first, 1)
            if len(numbered | entries) >= MANY_ENTRIES:
                entries |= numbered | set(titles[:1])
        kept.append([row for index, row in enumerate(rows) if index not in entries])
    return kept


def _entries(rows: list[Row], first: int, pages: int, looks: re.Pattern[str]) -> set[int]:
    """Rows that end in page numbers which grow down the page: a price list does neither."""
    found: set[int] = set()
    before = 0
    for index in range(first, len(rows)):
        text = rows[index].text.rstrip()
        match = looks.search(text) if text[-1:].isdigit() else None
        if match and before <= int(match.group(1)) <= pages + 5:
            before = int(match.group(1))
            found.add(index)
    return found
