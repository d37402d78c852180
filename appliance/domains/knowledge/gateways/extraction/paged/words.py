"""Words and the pages they stand on, in coordinates that start at the upper left corner as the page is shown, in points."""

from dataclasses import dataclass, field
from itertools import starmap
from operator import attrgetter
from typing import Any


@dataclass(slots=True)
class Word:
    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool = False
    hyphenated: bool = False
    table: int | None = None
    """Set on the one word that stands in the flow for a whole table."""

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(slots=True)
class RuledTable:
    grid: list[list[str]]
    lefts: tuple[float, ...]
    header_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line."""

    y: float
    left: float
    right: float


@dataclass(slots=True)
class Sheet:
    """A page. `scanned` says that sizes are measured on a picture and so only roughly right."""

    number: int
    width: float
    height: float
    words: list[Word]
    tables: list[RuledTable] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    scanned: bool = False


_of_word, _of_table, _of_rule = (attrgetter(*kind.__slots__) for kind in (Word, RuledTable, Rule))


def flat(sheet: Sheet) -> tuple[Any, ...]:
    """As plain values, for another process."""
    held = [*map(_of_word, sheet.words)], [*map(_of_table, sheet.tables)], [*map(_of_rule, sheet.rules)]
    return sheet.number, sheet.width, sheet.height, *held, sheet.scanned


def unflattened(said: tuple[Any, ...]) -> Sheet:
    number, width, height, words, tables, rules, scanned = said
    return Sheet(number, width, height, [*starmap(Word, words)], [*starmap(RuledTable, tables)], [*starmap(Rule, rules)], scanned)
