"""Words and the pages they stand on, in coordinates that start at the upper left corner as the page is shown, in points."""

from dataclasses import dataclass, field


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
