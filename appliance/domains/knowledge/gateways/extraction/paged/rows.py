"""Words → rows → segments: what stands on one line, cut where a gap is too wide for a space."""

import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from appliance.domains.knowledge.gateways.extraction import cleaning
from appliance.domains.knowledge.gateways.extraction.paged.words import Word

GAP = 0.85  # of the type size: hardly any justified line has such spaces, hardly any gutter is narrower
RAISED, TOUCHING = 0.8, 0.15
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff]")
_MARKER = re.compile(r"[•·▪►‣◦■□●○\u2013\u2014*-]|o|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)]|[ivxIVX]{1,4}[.)]")


@dataclass
class Segment:
    """Its words are settled once it is asked about them."""

    words: list[Word]

    @property
    def left(self) -> float:
        return self.words[0].left

    @cached_property
    def right(self) -> float:
        return max(word.right for word in self.words)

    @cached_property
    def text(self) -> str:
        size = max(word.size for word in self.words)
        parts: list[str] = []
        for before, word in pairwise([None, *self.words]):
            assert word is not None
            small = word.size < RAISED * size and before is not None and word.middle < before.middle and word.text.isdecimal()
            if before is not None:
                parts.append("-" if before.hyphenated else "" if small or _closes(before, word, size) else " ")
            parts.append(cleaning.raised(word.text) if small else word.text)
        return "".join(parts)


@dataclass
class Row:
    segments: list[Segment]

    @cached_property
    def words(self) -> list[Word]:
        return [word for segment in self.segments for word in segment.words]

    @cached_property
    def top(self) -> float:
        return min(word.top for word in self.words)

    @cached_property
    def bottom(self) -> float:
        return max(word.bottom for word in self.words)

    @property
    def left(self) -> float:
        return self.segments[0].left

    @cached_property
    def right(self) -> float:
        return max(segment.right for segment in self.segments)

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @cached_property
    def size(self) -> float:
        return statistics.median_high([word.size for word in self.words])

    @cached_property
    def bold(self) -> bool:
        return all(word.bold for word in self.words if any(map(str.isalnum, word.text)))

    @cached_property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)

    @property
    def table(self) -> int | None:
        return next((word.table for word in self.words if word.table is not None), None)

    @property
    def hyphenated(self) -> bool:
        return self.words[-1].hyphenated


def _closes(before: Word, word: Word, size: float) -> bool:
    """What was set right behind the word or the raised mark before it."""
    return (word.text[0] in ".,;:!?)%" or before.size < RAISED * size) and word.left - before.right < TOUCHING * size


def in_rows(words: Iterable[Word]) -> list[Row]:
    """Top to bottom; words belong to a row while their middles stay within half a line of it."""
    rows: list[list[Word]] = []
    tallest: Word | None = None
    for word in sorted(words, key=lambda word: (word.middle, word.left)):
        if tallest and word.table is None and rows[-1][-1].table is None and _same_row(tallest, word):
            rows[-1].append(word)
            tallest = max(tallest, word, key=_height)
        else:
            rows.append([word])
            tallest = word
    return [Row(_segments(row)) for row in rows]


def _height(word: Word) -> float:
    return word.bottom - word.top


def _same_row(tallest: Word, word: Word) -> bool:
    """`tallest` of the row."""
    height = min(_height(tallest), _height(word))
    return abs(tallest.middle - word.middle) < 0.5 * max(height, 1.0) or (
        word.size < 0.8 * tallest.size and tallest.top <= word.middle <= tallest.bottom)


def _segments(words: list[Word]) -> list[Segment]:
    backwards = bool(_RIGHT_TO_LEFT.search("".join([word.text for word in words]))) \
        and 2 * sum(bool(_RIGHT_TO_LEFT.search(word.text)) for word in words) > len(words)
    ordered = sorted(words, key=lambda word: -word.right if backwards else word.left)
    segments = [Segment([ordered[0]])]
    for before, word in pairwise(ordered):
        gap = before.left - word.right if backwards else word.left - before.right
        marker = len(segments) == 1 and len(segments[0].words) == 1 and _MARKER.fullmatch(before.text)
        if gap > GAP * max(before.size, word.size) and not marker:
            segments.append(Segment([word]))
        else:
            segments[-1].words.append(word)
    return segments
