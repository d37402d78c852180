"""Fusing lexical and dense scores. Rank fusion damages languages the embedder does not know; a weight per language does not."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
NEARLY = 0.005
ENGLISH_ONLY = ("minilm-l6", "minilm-l12-v2", "bge-small-en", "bge-base-en", "gte-small", "e5-small-v2", "nomic-embed-text-v1")
FOREIGN_MOST = 0.2
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One calibration query: what each side found, and the one right answer."""

    lexical: Mapping[str, float]
    dense: Mapping[str, float]
    right: str


def normalised(scores: Mapping[Key, float]) -> dict[Key, float]:
    """0 to 1 between the worst and the best found."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


def fuse(lexical: Mapping[Key, float], dense: Mapping[Key, float], weight: float) -> dict[Key, float]:
    """`weight` is the dense share; 0 leaves the lexical order untouched."""
    mine = normalised(lexical)
    if not weight:
        return mine
    theirs = normalised(dense)
    return {key: (1 - weight) * mine.get(key, 0.0) + weight * theirs.get(key, 0.0) for key in {**mine, **theirs}}


def calibrate(trials: Sequence[Trial], *, most: float = WEIGHTS[-1]) -> float:
    """The smallest dense weight that does nearly as well as the best one, up to `most`; 0 unless it beats words alone."""
    if not trials:
        return 0.0
    quality = {weight: _quality(trials, weight) for weight in WEIGHTS if weight <= most}
    best = max(quality.values())
    return next(weight for weight, reached in quality.items() if reached >= best - NEARLY)


def most_for(language: str, embedder: str) -> float:
    """An embedder that reads English alone adds noise elsewhere: measured on FaQuAD, more than 0.2 falls below words alone."""
    reads_one_language = any(name in embedder for name in ENGLISH_ONLY)
    return FOREIGN_MOST if reads_one_language and language != "en" else WEIGHTS[-1]


def _quality(trials: Sequence[Trial], weight: float) -> float:
    return sum(gain(ranked(fuse(trial.lexical, trial.dense, weight)), trial.right) for trial in trials) / len(trials)


def ranked(scores: Mapping[Key, float]) -> list[Key]:
    return sorted(scores, key=lambda key: -scores[key])


def gain(order: Sequence[Key], right: Key) -> float:
    """nDCG@10 where one document is right."""
    place = order.index(right) if right in order[:DEPTH] else None
    return 0.0 if place is None else 1 / math.log2(place + 2)
