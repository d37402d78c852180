"""Where the bars of a chart stand: plain numbers for the SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

WIDTH, HEIGHT = 720, 196
LEFT, BASE, TOP = 34, 172, 14
BAR = 0.6  # of the room one day has
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Segment:
    kind: int
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    x: float
    middle: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    lines: tuple[tuple[int, float], ...]
    bar_width: float


def stacked(columns: Sequence[Sequence[int]]) -> Chart:
    """Each column is a stack of counts from the axis up; the lines are at round numbers above the tallest."""
    step = _step(max((sum(column) for column in columns), default=0))
    highest = step * max(1, ceil(max((sum(column) for column in columns), default=0) / step))
    scale = (BASE - TOP) / highest
    room = (WIDTH - LEFT) / max(1, len(columns))
    width = round(room * BAR, 1)
    bars = tuple(_bar(column, LEFT + room * (at + 0.5), width, scale) for at, column in enumerate(columns))
    lines = tuple((value, round(BASE - value * scale, 1)) for value in range(0, highest + 1, step))
    return Chart(bars, lines, width)


def _bar(column: Sequence[int], middle: float, width: float, scale: float) -> Bar:
    segments = []
    at = float(BASE)
    for kind, count in enumerate(column):
        height = count * scale
        at -= height
        if count:
            segments.append(Segment(kind, round(at, 1), round(height, 1)))
    return Bar(round(middle - width / 2, 1), round(middle, 1), tuple(segments))


def _step(highest: int) -> int:
    """So that there are at most four lines above the axis, at 1, 2 or 5 times a power of ten."""
    rough = max(1.0, highest / 4)
    power: int = 10 ** int(log10(rough))
    return next(factor * power for factor in STEPS if factor * power >= rough)
