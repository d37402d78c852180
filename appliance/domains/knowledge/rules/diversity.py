"""Maximal marginal relevance (Carbonell & Goldstein 1998): the k best that do not repeat each other."""

from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
RELEVANCE = 0.8
SAME = 0.9


def mmr(scores: Mapping[Key, float], terms: Mapping[Key, AbstractSet[str]], k: int, *, relevance: float = RELEVANCE) -> list[Key]:
    """`scores` are 0 to 1. The first is always the best; near-copies of what is chosen are left out."""
    left = sorted(scores, key=lambda key: -scores[key])
    chosen: list[Key] = []
    while left and len(chosen) < k:
        best = max(left, key=lambda key: relevance * scores[key] - (1 - relevance) * likeness(key, chosen, terms))
        left.remove(best)
        if likeness(best, chosen, terms) < SAME:
            chosen.append(best)
    return chosen


def likeness(key: Key, chosen: Sequence[Key], terms: Mapping[Key, AbstractSet[str]]) -> float:
    """Jaccard to the most similar chosen one."""
    mine = terms[key]
    return max((len(mine & terms[other]) / (len(mine | terms[other]) or 1) for other in chosen), default=0.0)
