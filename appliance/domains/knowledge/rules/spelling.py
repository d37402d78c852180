# ruff: noqa: E501
"""Mistyped words: one that no document contains gives way to the nearest one that some document does."""

from collections.abc import Iterable, Mapping

from rapidfuzz.distance import DamerauLevenshtein

SHORTEST, LONG = 4, 8
_SOUNDS = (("ss", "s"), ("sc", "s"), ("c", "k"), ("ç", "s"), ("ks", "s"), ("x", "s"), ("z", "s"), ("qu", "k"), ("ge", "je"), ("gi", "ji"), ("ph", "f"), ("y", "i"),
           ("ke", "se"), ("ki", "si"), ("l", "u"), ("h", ""))


def sound(word: str) -> str:
    """Portuguese letters that sound alike become one."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return word


def repair(term: str, known: Mapping[str, int]) -> str | None:
    """The known stem a customer most likely meant; ties go to the commoner. `known` counts documents by stem."""
    if len(term) < SHORTEST or any(letter.isdigit() for letter in term):
        return None
    allowed = 2 if len(term) >= LONG else 1
    near = [(distance, -known[other], other) for other, distance in _near(term, known, allowed)]
    return min(near)[2] if near else None


def _near(term: str, known: Iterable[str], allowed: int) -> Iterable[tuple[str, int]]:
    heard = sound(term)
    for other in known:
        if other[0] != term[0] or abs(len(other) - len(term)) > allowed or len(other) < SHORTEST:
            continue
        if sound(other) == heard:
            yield other, 0
        else:
            distance = DamerauLevenshtein.distance(term, other, score_cutoff=allowed)
            if distance <= allowed:
                yield other, distance
