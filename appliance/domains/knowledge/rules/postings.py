"""The lexical index as packed arrays: for each stem one entry a chunk that holds it, scored exactly with numpy, the same on every database."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.domains.knowledge.rules.scored import Scores, Values
from appliance.domains.knowledge.rules.scoring import Fields

ENTRY = np.dtype([("number", "<u4"), ("weight", "<u2"), ("length", "<u2"), ("units", "<u2")])
BLOCK = 4096  # chunk numbers a stored row spans: a stem is read in few rows, and a new document rewrites a few kilobytes of each of its stems
K1, B = 1.2, 0.75  # of chunks, whose lengths differ more than those of sentences
STEP = 16
LONGEST_TERM = 64
WIDEST_SPAN = 4_000_000
_TOP = np.iinfo(np.uint16).max

Entries = npt.NDArray[np.void]
Parts = npt.NDArray[np.floating[Any]]
Ranges = npt.NDArray[np.int64]  # (n, 2)


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, and how many of its units hold each stem, headings included."""

    number: int
    fields: Fields
    held: Mapping[str, int]


def listings(pieces: Iterable[Piece]) -> dict[str, Entries]:
    """By stem; `pieces` come in ascending order of number."""
    found: dict[str, list[tuple[int, int, int, int]]] = {}
    for piece in pieces:
        fields, length = piece.fields, min(piece.fields.length, _TOP)
        for term in {*fields.body, *fields.path, *fields.title}:
            weight = min(round(fields.frequency(term) * STEP), _TOP)
            found.setdefault(term[:LONGEST_TERM], []).append((piece.number, weight, length, min(piece.held.get(term, 0), _TOP)))
    return _parted(np.array([*chain.from_iterable(found.values())], ENTRY), {term: len(entries) for term, entries in found.items()})


def _parted(whole: Entries, lengths: Mapping[str, int]) -> dict[str, Entries]:
    """One run of entries after the other."""
    return {term: whole[end - length:end] for (term, length), end in zip(lengths.items(), accumulate(lengths.values()), strict=True)}


def moved(listed: Mapping[str, Entries], by: int) -> dict[str, Entries]:
    """The same entries of numbers that are higher by so much."""
    if not listed:
        return {}
    whole = _joined(listed).copy()
    whole["number"] += np.uint32(by)
    return _parted(whole, {term: len(entries) for term, entries in listed.items()})


def by_block(listed: Mapping[str, Entries]) -> Mapping[int, Mapping[str, Entries]]:
    if not listed:
        return {}
    numbers = _joined(listed)["number"]
    reached = blocks_of(int(numbers.min()), int(numbers.max()))
    if len(reached) == 1:
        return {reached[0]: listed}
    blocks: dict[int, dict[str, Entries]] = {}
    for term, entries in listed.items():
        places = entries["number"] // BLOCK
        for block in {*places.tolist()}:
            blocks.setdefault(block, {})[term] = entries[places == block]
    return blocks


def _joined(listed: Mapping[str, Entries]) -> Entries:
    """By their bytes: numpy compares the fields of each two records that it concatenates."""
    return unpack(entries.tobytes() for entries in listed.values())


def blocks_of(first: int, last: int) -> range:
    """Where the entries of these numbers are."""
    return range(first // BLOCK, last // BLOCK + 1)


def unpack(packed: Iterable[bytes]) -> Entries:
    return np.frombuffer(b"".join(packed), dtype=ENTRY)


def holding(stored: Sequence[bytes], first: int, last: int) -> list[int]:
    """Places of those that have an entry of these numbers; all are looked through at once."""
    numbers = unpack(stored)["number"]
    owners = np.repeat(np.arange(len(stored)), [len(packed) // ENTRY.itemsize for packed in stored])
    found: list[int] = np.unique(owners[(numbers >= first) & (numbers <= last)]).tolist()
    return found


def without(entries: Entries, first: int, last: int) -> Entries:
    kept: Entries = entries[(entries["number"] < first) | (entries["number"] > last)]
    return kept


def outside(entries: Entries, blocks: Collection[int]) -> Entries:
    kept: Entries = entries[~np.isin(entries["number"] // BLOCK, list(blocks))]
    return kept


def scores(found: Mapping[str, Entries], weights: Mapping[str, float], pieces: int, average_length: float) -> Scores:
    """BM25F by chunk number. Terms are summed; each weighs what the question gives it."""
    parts = [weights[term] * _worths(entries, pieces, average_length) for term, entries in found.items()]
    if not sum(map(len, parts)):
        return Scores.none()
    return _summed(np.concatenate([entries["number"] for entries in found.values()]), np.concatenate(parts))


def _worths(entries: Entries, pieces: int, average_length: float) -> Parts:
    """What one term adds to each chunk that holds it, at weight 1."""
    held = len(entries)
    idf = math.log1p(max(pieces - held, 0) / (held + 0.5) + 0.5 / (held + 0.5))
    frequency = entries["weight"].astype(np.float32)
    slope = K1 * B * STEP / average_length if average_length else 0.0
    spread = entries["length"] * np.float32(slope) + np.float32(K1 * STEP * (1 - B if average_length else 1.0))
    worths: Parts = frequency * np.float32(idf * (K1 + 1)) / (frequency + spread)
    return worths


def _summed(numbers: npt.NDArray[np.uint32], parts: Parts) -> Scores:
    """One addition a posting where the numbers lie close together; a sort where they do not."""
    low, span = int(numbers.min()), int(np.ptp(numbers)) + 1
    if span > WIDEST_SPAN:
        present, places = np.unique(numbers, return_inverse=True)
        return Scores(present.astype(np.int64), np.bincount(places, weights=parts).astype(np.float64))
    total: Values = np.bincount(numbers - np.uint32(low), weights=parts, minlength=span).astype(np.float64)
    held = np.flatnonzero(total)
    return Scores(held + low, total[held])


def within(entries: Entries, allowed: Ranges) -> Entries:
    """Entries whose number lies in one of the ascending, disjoint ranges (both ends included)."""
    kept: Entries = entries[are_within(entries["number"], allowed)]
    return kept


def are_within(numbers: npt.NDArray[np.uint32] | npt.NDArray[np.int64], allowed: Ranges) -> npt.NDArray[np.bool_]:
    if not len(allowed):
        return np.zeros(len(numbers), np.bool_)
    place = np.searchsorted(allowed[:, 0], numbers, side="right") - 1
    inside: npt.NDArray[np.bool_] = (place >= 0) & (numbers <= allowed[place, 1])
    return inside
