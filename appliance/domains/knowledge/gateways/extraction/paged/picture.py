"""A picture of a page made fit to read: even light, straight lines, drawn lines found and wiped out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Ink = NDArray[np.bool_]
LIGHT_SIDE, STRAIGHT_SIDE = 300, 900
DARK, FAINT = 0.75, 0.80
MAX_SKEW, COARSE, FINE = 5.0, 0.5, 0.1
WORTH_TURNING = 0.15
LINE_LENGTH = 120  # pixels at 300 dpi: one centimetre
LINE_WIDTH = 12
SLACK = 12
LEAST_CELL, LEAST_INK = 24, 0.004
BESIDE, CLEAR = 7, 0.35  # so far from a line there is paper; beside the strokes of letters there is more ink


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line: where it stands across its direction, and from where to where it runs."""

    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DrawnGrid:
    xs: tuple[int, ...]
    ys: tuple[int, ...]


def evened(picture: Image.Image) -> Image.Image:
    """Divided by its own background: shadows, tints and shaded table heads become paper."""
    small = picture.copy()
    small.thumbnail((LIGHT_SIDE, LIGHT_SIDE))
    paper = small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(4)).resize(picture.size, Image.Resampling.BILINEAR)
    light = np.asarray(picture, dtype=np.float32) / np.maximum(np.asarray(paper, dtype=np.float32), 40.0)
    return Image.fromarray((np.clip(light, 0.0, 1.0) * 255).astype(np.uint8))


def straightened(picture: Image.Image) -> Image.Image:
    angle = skew(picture)
    return picture.rotate(angle, resample=Image.Resampling.BICUBIC, fillcolor=255) if abs(angle) >= WORTH_TURNING else picture


def skew(picture: Image.Image) -> float:
    """Degrees to turn the page by: straight text makes the darkness of rows differ most."""
    scale = STRAIGHT_SIDE / max(picture.size)
    small = picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))), Image.Resampling.BOX)
    ink = Image.fromarray(((np.asarray(small) < DARK * 255) * 255).astype(np.uint8))

    def contrast(angle: float) -> float:
        rows = np.asarray(ink.rotate(angle, resample=Image.Resampling.NEAREST), dtype=np.float32).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    coarse = max(np.arange(-MAX_SKEW, MAX_SKEW + COARSE, COARSE), key=contrast)
    return float(max(np.arange(coarse - COARSE, coarse + COARSE + FINE, FINE), key=contrast))


def wiped(picture: Image.Image) -> tuple[Image.Image, list[DrawnGrid]]:
    """The picture without the lines of its tables, and the grids they formed."""
    pixels = np.asarray(picture).copy()
    ink = pixels < FAINT * 255
    across, down = _lines(ink), _lines(ink.T)
    found = grids(across, down)
    for line in (line for line in across if any(line.at in grid.ys for grid in found)):
        pixels[max(0, line.at - 4):line.at + 5, line.start:line.end] = 255
    for line in (line for line in down if any(line.at in grid.xs for grid in found)):
        pixels[line.start:line.end, max(0, line.at - 4):line.at + 5] = 255
    return Image.fromarray(pixels), found


def has_ink(part: Image.Image) -> bool:
    return float((np.asarray(part) < DARK * 255).mean()) > LEAST_INK


def _lines(ink: Ink) -> list[Line]:
    """Long horizontal runs of ink, thickened a little so that a slight slope does not break them, and not thick themselves."""
    thick = ink.copy()
    for shift in (1, 2):
        thick[shift:] |= ink[:-shift]
        thick[:-shift] |= ink[shift:]
    lines: list[Line] = []
    counts = thick.sum(axis=1)
    for y in np.nonzero(counts >= LINE_LENGTH)[0]:
        for start, end in _runs(thick[y]):
            lines.append(Line(int(y), start, end))
    return _merged(lines, ink)


def _runs(row: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row.view(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start >= LINE_LENGTH]


def _merged(lines: list[Line], ink: Ink) -> list[Line]:
    """Neighbouring runs are one line; what is thicker than a line is a picture or a bar."""
    groups: list[list[Line]] = []
    for line in lines:
        group = next((group for group in reversed(groups[-40:]) if line.at - group[-1].at <= 3  # pixels
                      and line.start < group[-1].end + SLACK and line.end > group[-1].start - SLACK), None)
        if group is None:
            groups.append([line])
        else:
            group.append(line)
    merged: list[Line] = []
    for group in groups:
        if group[-1].at - group[0].at <= LINE_WIDTH:
            start, end = min(line.start for line in group), max(line.end for line in group)
            at = (group[0].at + group[-1].at) // 2
            if BESIDE <= at < ink.shape[0] - BESIDE and all(ink[at + side, start:end].mean() < CLEAR for side in (-BESIDE, BESIDE)):
                merged.append(Line(at, start, end))
    return merged


def grids(across: list[Line], down: list[Line]) -> list[DrawnGrid]:
    """Lines that touch belong together; enough of both kinds make a grid."""
    found: list[DrawnGrid] = []
    left_across, left_down = set(range(len(across))), set(range(len(down)))
    while left_across:
        mine: set[int] = set()
        theirs: set[int] = set()
        new = {left_across.pop()}
        while new:
            mine |= new
            touched = {index for index in left_down - theirs if any(_touch(across[line], down[index]) for line in new)}
            theirs |= touched
            new = {index for index in left_across - mine if any(_touch(across[index], down[line]) for line in touched)}
        left_across -= mine
        left_down -= theirs
        xs, ys = _spread([down[line].at for line in theirs]), _spread([across[line].at for line in mine])
        if len(xs) > 2 and len(ys) > 2:  # two columns, two rows
            found.append(DrawnGrid(xs, ys))
    return found


def _touch(across: Line, down: Line) -> bool:
    return across.start - SLACK <= down.at <= across.end + SLACK and down.start - SLACK <= across.at <= down.end + SLACK


def _spread(places: list[int]) -> tuple[int, ...]:
    kept: list[int] = []
    for place in sorted(places):
        if not kept or place - kept[-1] >= LEAST_CELL:
            kept.append(place)
    return tuple(kept)
