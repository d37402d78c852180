"""BM25F (Robertson, Zaragoza & Taylor 2004): one score for chunks and units, whatever database found them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from appliance.domains.knowledge.rules import words

K1, B = 1.2, 0.4
BODY, PATH, TITLE, PARAGRAPH = 1.0, 0.8, 0.4, 0.3
SYNONYM_WEIGHT, ONLY_SYNONYM = 0.6, 0.85  # the second where no document has the word itself

Terms = Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """Term counts of one chunk or unit. `paragraph` is what stands around a unit; chunks leave it empty."""

    body: Terms
    path: Terms = field(default_factory=dict)
    title: Terms = field(default_factory=dict)
    paragraph: Terms = field(default_factory=dict)
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", sum(self.body.values()))

    def frequency(self, term: str) -> float:
        """Weighted over the fields, before saturation."""
        return BODY * self.body.get(term, 0) + PATH * self.path.get(term, 0) + TITLE * self.title.get(term, 0) + PARAGRAPH * self.paragraph.get(term, 0)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one tenant's active text: how many pieces, in how many each term occurs, how long they are on average."""

    pieces: int
    document_frequency: Mapping[str, int]
    average_length: float

    def idf(self, term: str) -> float:
        seen = self.document_frequency.get(term, 0)
        return math.log(1 + (self.pieces - seen + 0.5) / (seen + 0.5)) if seen <= self.pieces else 0.0


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing asked for: its stem, how much it counts, and the other stems people use for it."""

    term: str
    weight: float
    alternatives: frozenset[str]

    def spellings(self) -> Iterable[tuple[str, float]]:
        yield self.term, 1.0
        yield from ((other, SYNONYM_WEIGHT) for other in self.alternatives)


def concepts(weights: Mapping[str, float], language: str) -> list[Concept]:
    """Words of one meaning count once: `quanto tempo demora` asks for one thing."""
    others = words.synonyms(weights, language)
    merged: list[Concept] = []
    for term, weight in sorted(weights.items(), key=lambda pair: -pair[1]):
        if not any(term in concept.alternatives for concept in merged):
            merged.append(Concept(term, weight, others.get(term, frozenset())))
    return merged


def _spread(length: int, statistics: Statistics) -> float:
    """The part of BM25's denominator that depends on the length alone."""
    return K1 * (1 - B + B * (length / statistics.average_length if statistics.average_length else 1.0))


@dataclass(frozen=True, slots=True)
class Asked:
    """Concepts with their idf looked up once. `spellings` holds (term, share times idf); `worth` is what finding it would tell."""

    weights: tuple[float, ...]
    worths: tuple[float, ...]
    spellings: tuple[tuple[tuple[str, float], ...], ...]
    terms: frozenset[str]
    statistics: Statistics
    total: float


def weigh(asked: Iterable[Concept], statistics: Statistics) -> Asked:
    wanted = list(asked)
    spellings = tuple(_worths(one, statistics) for one in wanted)
    worths = tuple(importance(one, statistics) for one in wanted)
    terms = frozenset(term for one in spellings for term, _ in one)
    return Asked(tuple(one.weight for one in wanted), worths, spellings, terms, statistics, sum(worths))


@dataclass(frozen=True, slots=True)
class Granted:
    """What counts as spoken of without its word: these terms, and every figure."""

    terms: frozenset[str] = frozenset()
    figures: bool = False

    def holds(self, term: str) -> bool:
        return term in self.terms or (self.figures and term[0].isdigit())


NOTHING = Granted()


def _worths(one: Concept, statistics: Statistics) -> tuple[tuple[str, float], ...]:
    synonym = SYNONYM_WEIGHT if one.term in statistics.document_frequency else ONLY_SYNONYM
    return tuple((term, (1.0 if term == one.term else synonym) * statistics.idf(term)) for term, _ in one.spellings())


def measure(asked: Asked, fields: Fields, granted: Granted = NOTHING) -> tuple[float, float]:
    """(score, coverage): BM25F, and the share of what was asked, by worth, that the piece speaks of (0 to 1)."""
    score = found = 0.0
    spread = _spread(fields.length, asked.statistics)
    for weight, worth, spellings in zip(asked.weights, asked.worths, asked.spellings, strict=True):
        best = 0.0
        for term, idf in spellings:
            frequency = fields.frequency(term)
            if frequency:
                best = max(best, idf * frequency * (K1 + 1) / (frequency + spread))
        score += weight * best
        if best or granted.holds(spellings[0][0]):
            found += worth
    return score, found / asked.total if asked.total else 0.0


def speaks_of_any(asked: Asked, fields: Fields) -> bool:
    """In its own words, its headings or its paragraph: sharing only the document's title does not make an answer."""
    terms = asked.terms
    return not (terms.isdisjoint(fields.body) and terms.isdisjoint(fields.path) and terms.isdisjoint(fields.paragraph))


def score(asked: Iterable[Concept], fields: Fields, statistics: Statistics) -> float:
    return measure(weigh(asked, statistics), fields)[0]


def importance(concept: Concept, statistics: Statistics) -> float:
    """How much finding it would tell: its weight times the idf of its commonest spelling."""
    known = [statistics.idf(term) for term, _ in concept.spellings() if term in statistics.document_frequency]
    return concept.weight * min(known, default=statistics.idf(concept.term))
