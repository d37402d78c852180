"""Ordering the units that may answer: BM25F, how much of the question they cover, ranges they state, whether they are in force."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from appliance.domains.knowledge.rules import numbers, scoring, validity, wants, words
from appliance.domains.knowledge.rules.asking import SAID, Question
from appliance.domains.knowledge.rules.scoring import Asked, Fields, Granted, Statistics
from appliance.domains.knowledge.rules.units import UnitKind
from appliance.domains.knowledge.rules.wants import Want

COVERAGE_SHARE = 0.5
RANGE_WORTH = 0.35
KIND_WORTH = {Want.MONEY: 0.25, Want.DURATION: 0.25, Want.CLOCK: 0.25, Want.PHONE: 0.7, Want.ADDRESS: 0.7}  # the last two are rare
FOREIGN, UNSAID = 0.75, 0.6
PAST_OLD, PAST_CURRENT = 1.0, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A unit where it stands. `order` numbers it within its document; `standing` comes from `validity`."""

    document: str
    chunk: str
    order: int
    paragraph: int
    kind: UnitKind
    text: str
    path: tuple[str, ...]
    fields: Fields
    standing: float
    language: str = "pt"


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    passage: Passage
    score: float
    coverage: float


def rank(question: Question, passages: Iterable[Passage], statistics: Statistics) -> list[Ranked]:
    """Best first. Equal scores keep the order of the documents."""
    asked = {language: scoring.weigh(scoring.concepts(question.weights_for(language), language), statistics) for language in ("pt", "en")}
    hints = Hints.of(question)
    ranked = [_ranked(one, asked[one.language], hints, foreign=one.language != question.language)
              for one in passages if scoring.speaks_of_any(asked[one.language], one.fields)]
    fresh = {language: frozenset(term for weight, spellings in zip(one.weights, one.spellings, strict=True) if weight > SAID for term, _ in spellings)
             for language, one in asked.items()}
    ranked = [_own(one, fresh[one.passage.language]) for one in ranked]
    return sorted((one for one in ranked if one.score > 0), key=lambda one: -one.score)


@dataclass(frozen=True, slots=True)
class Hints:
    """What a question says beside its words: amounts it names, the kind of fact it wants, whether it asks about the past."""

    amounts: tuple[numbers.Amount, ...]
    wanted: frozenset[Want]
    about_past: bool

    @classmethod
    def of(cls, question: Question) -> "Hints":
        return cls(
            tuple(numbers.amounts(question.said or question.text, question.language)), question.wanted, validity.is_about_the_past(question.text),
        )


def _own(one: Ranked, fresh: frozenset[str]) -> Ranked:
    """What a question adds to the ones before it must be spoken of: `and at night?` is about the night, whatever the topic."""
    near = one.passage.fields
    said = not fresh or not (fresh.isdisjoint(near.body) and fresh.isdisjoint(near.path))
    return one if said else Ranked(one.passage, one.score * UNSAID, one.coverage)


def _ranked(passage: Passage, asked: Asked, hints: Hints, *, foreign: bool) -> Ranked:
    stated = [want for want in hints.wanted if wants.states(passage.text, want)]
    fits = bool(hints.amounts) and _fits(hints.amounts, passage)
    score, covered = scoring.measure(asked, passage.fields, granted=_granted(stated, passage.language, figures=fits))
    score *= (1 + RANGE_WORTH * fits) * (FOREIGN if foreign else 1.0)
    score *= 1 + max((KIND_WORTH[want] for want in stated), default=0.0)
    score *= (1 - COVERAGE_SHARE) + COVERAGE_SHARE * covered
    return Ranked(passage, score * _standing(passage.standing, about_past=hints.about_past), covered)


@lru_cache(maxsize=64)
def _named(want: Want, language: str) -> frozenset[str]:
    return frozenset(words.stems(wants.NAMED.get(want, {}).get(language, ""), language))


def _granted(stated: Iterable[Want], language: str, *, figures: bool) -> Granted:
    """What a text shows it need not name: a telephone number, an address, the range that a figure lies in."""
    return Granted(frozenset(term for want in stated for term in _named(want, language)), figures)


def _fits(named: tuple[numbers.Amount, ...], passage: Passage) -> bool:
    text = passage.text if passage.kind is UnitKind.ROW else " . ".join((passage.text, *passage.path[-1:]))
    return numbers.contains(named, numbers.ranges(text, passage.language))


def _standing(standing: float, *, about_past: bool) -> float:
    if not about_past:
        return standing
    return PAST_CURRENT if validity.is_in_force(standing) else PAST_OLD
