"""Scores by chunk number as two arrays side by side: thousands of candidates are ordered and mixed without a Python loop."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Each number once, in any order."""

    numbers: Numbers
    values: Values

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of(cls, scored: Mapping[int, float]) -> "Scores":
        return cls(np.fromiter(scored.keys(), np.int64, len(scored)), np.fromiter(scored.values(), np.float64, len(scored)))

    @classmethod
    def none(cls) -> "Scores":
        return cls.of({})

    def by_number(self) -> dict[int, float]:
        """In the order held here."""
        return dict(zip(self.numbers.tolist(), self.values.tolist(), strict=True))

    def best(self, k: int) -> "Scores":
        """The k highest, best first, ties by number."""
        kept = self
        if k < len(self):
            lowest = np.partition(self.values, len(self) - k)[len(self) - k]
            kept = self._at(np.flatnonzero(self.values >= lowest))
        return kept._at(np.lexsort((kept.numbers, -kept.values))[:k])  # noqa: SLF001 - another of our own

    def normalised(self) -> "Scores":
        """0 for what fits not at all, 1 for the best found."""
        high = float(self.values.max()) if len(self) else 0.0
        return Scores(self.numbers, np.maximum(self.values, 0.0) / high if high > 0 else np.zeros(len(self)))

    def _at(self, places: Numbers) -> "Scores":
        return Scores(self.numbers[places], self.values[places])


def mixed(mine: Scores, theirs: Scores, weight: float) -> Scores:
    """`weight` is the share of the second; what only one side found counts nothing on the other."""
    numbers, places = np.unique(np.concatenate([mine.numbers, theirs.numbers]), return_inverse=True)
    shares = np.concatenate([(1 - weight) * mine.values, weight * theirs.values])
    summed: Values = np.bincount(places, weights=shares, minlength=len(numbers)).astype(np.float64)
    return Scores(numbers, summed)
