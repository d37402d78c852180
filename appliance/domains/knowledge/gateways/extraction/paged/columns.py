"""Reading order: where text stands in columns, the left one is read to its end before the right one."""

from collections import Counter

from appliance.domains.knowledge.gateways.extraction.paged.rows import Row, Segment, in_rows

FEW_ROWS = 4
PROSE_WORDS = 3.0
FILLED = 0.45
NEAR = 4.0
GUTTER = 6.0
DEEPEST = 4


def in_reading_order(rows: list[Row], depth: int = 0) -> list[list[Row]]:
    """Groups of rows, each of one column."""
    found = _columns(rows) if depth < DEEPEST and len(rows) >= FEW_ROWS else None
    if found is None:
        return [rows] if rows else []
    start, end, gutter = found
    region = [word for row in rows[start:end] for word in row.words]
    left = in_rows(word for word in region if word.left < gutter)
    right = in_rows(word for word in region if word.left >= gutter)
    return [
        *in_reading_order(rows[:start], depth + 1), *in_reading_order(left, depth + 1),
        *in_reading_order(right, depth + 1), *in_reading_order(rows[end:], depth + 1),
    ]


def _columns(rows: list[Row]) -> tuple[int, int, float] | None:
    """(first row, end, x of the gutter) of the longest run of rows that stand in two columns of prose."""
    margin = min(row.left for row in rows)
    edges = Counter(round(segment.left / NEAR) for row in rows for segment in row.segments if segment.left > margin + 60)
    best: tuple[int, int, float] | None = None
    for edge, count in edges.most_common(6):
        if count < FEW_ROWS - 1:
            break
        gutter = edge * NEAR - NEAR
        for start, end in _runs(rows, gutter):
            if (best is None or end - start > best[1] - best[0]) and _is_prose(rows[start:end], gutter):
                best = start, end, gutter
    return best


def _runs(rows: list[Row], gutter: float) -> list[tuple[int, int]]:
    """Runs of rows that leave the gutter free, from the first to the last one that uses the right column."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, row in enumerate([*rows, None]):
        if row is not None and not _crosses(row, gutter):
            start = index if start is None else start
        elif start is not None:
            runs.append((start, index))
            start = None
    return [trimmed for run in runs if (trimmed := _trimmed(rows, run, gutter)) is not None]


def _trimmed(rows: list[Row], run: tuple[int, int], gutter: float) -> tuple[int, int] | None:
    right = [index for index in range(*run) if rows[index].right > gutter]
    if not right:
        return None
    start, end = right[0], right[-1] + 1
    while end < run[1] and rows[end].top - rows[end - 1].bottom < rows[end - 1].size:
        end += 1
    while start > run[0] and _follows(rows[start - 1], rows[start]):
        start -= 1
    return start, end


def _follows(above: Row, row: Row) -> bool:
    return row.top - above.bottom < row.size * 0.5 and above.size <= row.size * 1.1


def _crosses(row: Row, gutter: float) -> bool:
    return any(segment.left < gutter - 1 and segment.right > gutter - GUTTER / 2 for segment in row.segments)


def _is_prose(rows: list[Row], gutter: float) -> bool:
    """Both sides hold lines of running text; the cells of a table are shorter and leave more room."""
    segments = [segment for row in rows for segment in row.segments]
    left = [segment for segment in segments if segment.left < gutter]
    right = [segment for segment in segments if segment.left >= gutter]
    return len(left) >= FEW_ROWS - 1 and len(right) >= FEW_ROWS - 1 and _runs_on(left) and _runs_on(right)


def _runs_on(side: list[Segment]) -> bool:
    width = max(segment.right for segment in side) - min(segment.left for segment in side)
    words = sum(len(segment.words) for segment in side) / len(side)
    filled = sum(segment.right - segment.left for segment in side) / len(side)
    return words >= PROSE_WORDS and filled >= FILLED * max(width, 1.0)
