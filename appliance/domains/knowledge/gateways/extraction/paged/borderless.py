"""Tables without lines: rows whose segments stand below each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from appliance.domains.knowledge.gateways.extraction.paged.rows import Row
from appliance.domains.knowledge.gateways.extraction.paged.words import Rule

FEW_ROWS = 3
PITCH = 2.4  # of the type size: rows further apart are not one table
LONG_CELL, UNEVEN = 14, 0.3
FILLED = 0.55


@dataclass(slots=True)
class Found:
    start: int
    end: int
    grid: list[list[str]]
    lefts: tuple[float, ...]
    header_rows: int | None = None


def find(rows: list[Row], rules: Sequence[Rule] = ()) -> list[Found]:
    tables: list[Found] = []
    index = 0
    while index < len(rows):
        end = _end(rows, index)
        found = _table(rows, index, end, rules) if end - index >= FEW_ROWS else None
        if found:
            tables.append(found)
            index = found.end
        else:
            index += 1
    return tables


def _end(rows: list[Row], start: int) -> int:
    """The rows from here on that could belong to one table."""
    if len(rows[start].segments) < 2 or rows[start].table is not None:
        return start
    end, lonely = start + 1, 0
    while end < len(rows) and rows[end].table is None and rows[end].top - rows[end - 1].bottom < PITCH * rows[end].size:
        lonely = 0 if len(rows[end].segments) > 1 else lonely + 1
        if lonely > 1:
            break
        end += 1
    while end > start and len(rows[end - 1].segments) < 2:
        end -= 1
    return end


def _table(rows: list[Row], start: int, end: int, rules: Sequence[Rule]) -> Found | None:
    while end - start >= FEW_ROWS:
        block = rows[start:end]
        bands = _bands([row for row in block if len(row.segments) > 1])
        if len(bands) > 1 and all(_fits(row, bands) for row in block):
            grid = _grid(block, bands, _starts(block, rules))
            if len(grid) >= FEW_ROWS and _is_tabular(grid):
                titled = block[0].bold and not all(row.bold for row in block[1:])
                return Found(start, end, grid, tuple(left for left, _ in bands), 1 if titled else None)
            return None
        end -= 1
    return None


def _bands(rows: list[Row]) -> list[tuple[float, float]]:
    """The stretches of the width that segments cover, merged where they touch."""
    bands: list[tuple[float, float]] = []
    for left, right in sorted((segment.left, segment.right) for row in rows for segment in row.segments):
        if bands and left <= bands[-1][1] + 1:
            bands[-1] = bands[-1][0], max(bands[-1][1], right)
        else:
            bands.append((left, right))
    return bands


def _band_of(left: float, right: float, bands: list[tuple[float, float]]) -> list[int]:
    return [index for index, (start, end) in enumerate(bands) if left < end and right > start]


def _fits(row: Row, bands: list[tuple[float, float]]) -> bool:
    places = [_band_of(segment.left, segment.right, bands) for segment in row.segments]
    return all(len(place) == 1 for place in places) and len({place[0] for place in places}) == len(places)


def _starts(rows: list[Row], rules: Sequence[Rule]) -> list[bool] | None:
    """Whether each line of text starts a row of the table, as drawn lines or wider spaces between rows tell; None if neither does."""
    ruled = [any(above.middle < rule.y < below.middle and rule.left < below.right and rule.right > below.left for rule in rules)
             for above, below in pairwise(rows)]
    if sum(ruled) > 1:
        return [True, *ruled]
    gaps = [below.top - above.bottom for above, below in pairwise(rows)]
    if max(gaps) - min(gaps) < UNEVEN * rows[0].size or sum(gap > (max(gaps) + min(gaps)) / 2 for gap in gaps) < FEW_ROWS - 1:
        return None
    return [True, *(gap > (max(gaps) + min(gaps)) / 2 for gap in gaps)]


def _grid(rows: list[Row], bands: list[tuple[float, float]], starts: list[bool] | None) -> list[list[str]]:
    """Lines of one table row are joined; where nothing tells them apart, a line with an empty first column goes on."""
    grid: list[list[str]] = []
    for number, row in enumerate(rows):
        cells = [""] * len(bands)
        for segment in row.segments:
            cells[_band_of(segment.left, segment.right, bands)[0]] = segment.text
        alone = (not cells[0] or len(row.segments) == 1) and bool(grid) and sum(map(bool, cells)) < sum(map(bool, grid[-1]))
        if grid and (alone if starts is None else not starts[number]):
            grid[-1] = [f"{above} {cell}".strip() for above, cell in zip(grid[-1], cells, strict=True)]
        else:
            grid.append(cells)
    return grid


def _is_tabular(grid: list[list[str]]) -> bool:
    """Short cells in most places: not a form, not two stretches of prose."""
    cells = [cell for row in grid for cell in row if cell]
    filled = len(cells) / (len(grid) * len(grid[0]))
    return filled > FILLED and sum(len(cell.split()) for cell in cells) / len(cells) < LONG_CELL
