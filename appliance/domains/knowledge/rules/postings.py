"""The lexical index as packed arrays: one entry a chunk, scored exactly with numpy, the same on every database."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.domains.knowledge.rules.scoring import Fields

ENTRY = np.dtype([("number", "<u4"), ("weight", "<u2"), ("length", "<u2")])
K1, B = 1.2, 0.75  # of chunks, whose lengths differ more than those of sentences
STEP = 16
LONGEST_TERM = 64
_TOP = np.iinfo(np.uint16).max

Entries = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Listing:
    """One stem in one version: how many units hold it, and its packed entries."""

    term: str
    units: int
    packed: bytes


def listings(chunks: Sequence[tuple[int, Fields]], units: Iterable[Iterable[str]]) -> list[Listing]:
    """`chunks` are (number, fields) in ascending order of number; `units` the stems of each unit, headings included."""
    entries: dict[str, list[tuple[int, int, int]]] = {}
    for number, fields in chunks:
        length = min(fields.length, _TOP)
        for term in {*fields.body, *fields.path, *fields.title}:
            entries.setdefault(term[:LONGEST_TERM], []).append((number, min(round(fields.frequency(term) * STEP), _TOP), length))
    held = Counter(term[:LONGEST_TERM] for stems in units for term in set(stems))
    return [Listing(term, held[term], np.array(found, dtype=ENTRY).tobytes()) for term, found in sorted(entries.items())]


def unpack(packed: Iterable[bytes]) -> Entries:
    return np.frombuffer(b"".join(packed), dtype=ENTRY)


def scores(found: Mapping[str, Entries], weights: Mapping[str, float], pieces: int, average_length: float) -> dict[int, float]:
    """BM25F by chunk number. Terms are summed; each weighs what the question gives it."""
    numbers = np.unique(np.concatenate([entries["number"] for entries in found.values()])) if found else np.empty(0, np.uint32)
    total = np.zeros(len(numbers))
    for term, entries in found.items():
        frequency = entries["weight"] / STEP
        spread = 1 - B + B * (entries["length"] / average_length if average_length else 1.0)
        idf = np.log1p(max(pieces - len(entries), 0) / (len(entries) + 0.5) + 0.5 / (len(entries) + 0.5))
        total[np.searchsorted(numbers, entries["number"])] += weights[term] * idf * frequency * (K1 + 1) / (frequency + K1 * spread)
    return dict(zip(numbers.tolist(), total.tolist(), strict=True))


def best(scored: Mapping[int, float], k: int) -> dict[int, float]:
    """The k highest, ties by number."""
    order = sorted(scored.items(), key=lambda pair: (-pair[1], pair[0]))[:k]
    return dict(order)


def within(entries: Entries, allowed: Sequence[tuple[int, int]]) -> Entries:
    """Entries whose number lies in one of the ascending, disjoint ranges (both ends included)."""
    if not allowed:
        return entries[:0]
    starts = np.array([low for low, _ in allowed])
    ends = np.array([high for _, high in allowed])
    place = np.searchsorted(starts, entries["number"], side="right") - 1
    return entries[(place >= 0) & (entries["number"] <= ends[place])]


