"""Fusing lexical and dense scores. Rank fusion damages languages the embedder does not know; a weight per language does not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from appliance.domains.knowledge.rules.scored import Scores, mixed

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
NEARLY = 0.005
ENGLISH_ONLY = ("minilm-l6", "minilm-l12-v2", "bge-small-en", "bge-base-en", "gte-small", "e5-small-v2", "nomic-embed-text-v1")
FOREIGN_MOST = 0.2
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One calibration query: what each side found, and the one right answer."""

    lexical: Scores
    dense: Scores
    right: int


def fuse(lexical: Scores, dense: Scores, weight: float) -> Scores:
    """`weight` is the dense share; 0 leaves the lexical order untouched.

    Measured from zero, not from the worst found (Bruch, Gai & Ingber 2023): the scale does not hang on how many were found.
    """
    mine = lexical.normalised()
    return mixed(mine, dense.normalised(), weight) if weight else mine


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
    return sum(gain(fuse(trial.lexical, trial.dense, weight), trial.right) for trial in trials) / len(trials)


def gain(fused: Scores, right: int) -> float:
    """nDCG@10 where one chunk is right."""
    place = np.flatnonzero(fused.best(DEPTH).numbers == right)
    return 1 / math.log2(int(place[0]) + 2) if len(place) else 0.0
