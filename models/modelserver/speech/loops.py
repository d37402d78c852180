"""What a model of speech is known to do: say one thing over and over where nobody spoke."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
SEGMENTS_AGAIN, LONGEST_ROUND = 3, 4
WORDS_AGAIN, LONGEST_PHRASE = 6, 12


def kept_segments(texts: Sequence[str]) -> list[int]:
    """Positions of those that are no echo: the same three times in a row, or turn by turn, stands once."""
    return once([text.casefold().strip(" .,!?…") for text in texts], SEGMENTS_AGAIN, LONGEST_ROUND)


def without_echo(text: str) -> str:
    """A phrase six times in a row stands once; a person says "não, não, não"."""
    words = text.split()
    return " ".join(words[at] for at in once([word.casefold().strip(".,!?…") for word in words], WORDS_AGAIN, LONGEST_PHRASE))


def once(found: Sequence[T], times: int, longest: int) -> list[int]:
    """Positions left when every run of up to `longest` that comes `times` or more in a row is cut to its first."""
    left: list[int] = []
    at = 0
    while at < len(found):
        runs = ((length, _again(found, at, length)) for length in range(1, longest + 1))
        length, again = next((run for run in runs if run[1] >= times), (1, 1))
        left += range(at, at + length)
        at += length * again
    return left


def _again(found: Sequence[T], at: int, length: int) -> int:
    """How often the `length` from `at` on come in a row."""
    first, count = found[at : at + length], 1
    while len(first) == length and found[at + count * length : at + (count + 1) * length] == first:
        count += 1
    return count
