"""Mistyped words: one that no document contains gives way to the nearest one that some document does."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from appliance.domains.knowledge.rules import words

SHORTEST, LONG = 4, 8
SHORTEST_PLAIN = 3
_SOUNDS = (("ss", "s"), ("sc", "s"), ("c", "k"), ("ç", "s"), ("ks", "s"), ("x", "s"), ("z", "s"), ("qu", "k"), ("ge", "je"), ("gi", "ji"), ("ph", "f"), ("y", "i"),
           ("ke", "se"), ("ki", "si"), ("l", "u"), ("h", ""))


def sound(word: str) -> str:
    """Portuguese letters that sound alike become one."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return word


def repair(term: str, known: Mapping[str, int]) -> str | None:
    """The known stem a customer most likely meant; ties go to the commoner. `known` counts documents by stem."""
    if not may_be_mistyped(term):
        return None
    plain = next((plain for plain in words.unsized(term, "pt") if plain in known), None)
    if plain:
        return plain
    near = [(distance, -known[other], other) for other, distance in _near(term, known)]
    return min(near)[2] if near else None


def may_be_mistyped(term: str) -> bool:
    return len(term) >= SHORTEST and not any(letter.isdigit() for letter in term)


def _allowed(term: str) -> int:
    return 2 if len(term) >= LONG else 1


def _near(term: str, known: Iterable[str]) -> Iterable[tuple[str, int]]:
    heard, allowed = sound(term), _allowed(term)
    for other in known:
        if other[0] != term[0] or abs(len(other) - len(term)) > allowed or len(other) < SHORTEST:
            continue
        if sound(other) == heard:
            yield other, 0
        else:
            distance = DamerauLevenshtein.distance(term, other, score_cutoff=allowed)
            if distance <= allowed:
                yield other, distance


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Stems that begin with one letter, ready to be searched for what resembles another one."""

    words: tuple[str, ...]
    heard: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, stems: Iterable[str]) -> "Vocabulary":
        kept = tuple(sorted({word for word in stems if len(word) >= SHORTEST_PLAIN}))
        heard: dict[str, tuple[str, ...]] = {}
        for word in kept:
            heard[sound(word)] = (*heard.get(sound(word), ()), word)
        return cls(kept, heard)

    def with_words(self, more: Collection[str]) -> "Vocabulary":
        known = set(self.words)
        return Vocabulary.of([*self.words, *more]) if any(word not in known for word in more if len(word) >= SHORTEST_PLAIN) else self

    def near(self, term: str) -> set[str]:
        """What `repair` would consider for it."""
        if not may_be_mistyped(term):
            return set()
        written = process.extract(term, self.words, scorer=DamerauLevenshtein.distance, score_cutoff=_allowed(term), limit=None)
        plain = set(words.unsized(term, "pt")).intersection(self.words)
        return plain | {word for word, _, _ in written} | set(self.heard.get(sound(term), ()))

    @property
    def size(self) -> int:
        """About so many bytes."""
        return 200 * len(self.words)
