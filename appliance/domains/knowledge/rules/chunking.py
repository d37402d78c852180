"""Packing units into chunks: about `target` tokens, never inside a sentence, a table kept whole while it fits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from appliance.domains.knowledge.rules.units import Unit, UnitKind

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Chunk:
    """`units` are its own; `overlap` repeats the end of the chunk before, for the reader and the embedder only."""

    units: tuple[Unit, ...]
    overlap: tuple[Unit, ...]
    token_count: int

    @property
    def path(self) -> tuple[str, ...]:
        return self.units[0].path

    @property
    def pages(self) -> tuple[int, int] | None:
        pages = [unit.page for unit in self.units if unit.page is not None]
        return (min(pages), max(pages)) if pages else None

    @property
    def text(self) -> str:
        """Headings where they change, then one line a paragraph."""
        lines: list[str] = []
        shown: tuple[str, ...] = ()
        for (path, _, kind), same in groupby((*self.overlap, *self.units), key=lambda unit: (unit.path, unit.paragraph, unit.kind)):
            lines += [heading for heading in path if heading not in shown]
            lines.append(("\n" if kind is UnitKind.ROW else " ").join(unit.text for unit in same))
            shown = path
        return "\n".join(lines)


def pack(units: Sequence[Unit], count: CountTokens, *, target: int = 500, overlap: int = 50) -> list[Chunk]:
    """A new chunk starts when the target is reached and when a top section begins in a chunk that is already a quarter full."""
    return list(_pack(units, count, target, overlap))


def _pack(units: Sequence[Unit], count: CountTokens, target: int, overlap: int) -> Iterator[Chunk]:
    held: list[Unit] = []
    repeated: tuple[Unit, ...] = ()
    size = 0
    for block, cost in _blocks(units, count, target):
        new_section = bool(held) and held[-1].path[:1] != block[0].path[:1] and size >= target // 4
        if held and (size + cost > target or new_section):
            yield Chunk(tuple(held), repeated, size)
            repeated = () if new_section else _tail(held, count, overlap)
            held, size = [], sum(count(unit.text) for unit in repeated)
        held += block
        size += cost
    if held:
        yield Chunk(tuple(held), repeated, size)


def _blocks(units: Sequence[Unit], count: CountTokens, target: int) -> Iterator[tuple[list[Unit], int]]:
    """What must not be parted: one sentence, or the rows of a table that fits."""
    for (_, kind), same in groupby(units, key=lambda unit: (unit.paragraph, unit.kind)):
        members = list(same)
        costs = [count(unit.text) for unit in members]
        if kind is UnitKind.ROW and sum(costs) <= target:
            yield members, sum(costs)
        else:
            yield from (([unit], cost) for unit, cost in zip(members, costs, strict=True))


def _tail(units: Sequence[Unit], count: CountTokens, overlap: int) -> tuple[Unit, ...]:
    kept: list[Unit] = []
    room = overlap
    for unit in reversed(units):
        room -= count(unit.text)
        if room < 0:
            break
        kept.insert(0, unit)
    return tuple(kept)
