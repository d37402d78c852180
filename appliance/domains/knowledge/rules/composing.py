"""From ranked units to a short readable answer with citations: the best unit and up to three that add something."""

from collections.abc import Sequence

from appliance.domains.knowledge.rules import numbers, scoring, validity
from appliance.domains.knowledge.rules.asking import Question
from appliance.domains.knowledge.rules.ranking import Ranked
from appliance.domains.knowledge.rules.scoring import Asked, Concept, Statistics

MAX_WORDS = 80
EXTRA = 3
NEAR = 0.55
TWIN = 0.6
ADDS = 0.15
LOOKED_AT = 24
PART_NEAR, PART_COVERED = 0.3, 0.5
STANDING_GAP = 0.1


def choose(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    """The best unit, then by turns: what answers another part of the message, what follows it, what scores close to it."""
    if not ranked:
        return []
    chosen = [ranked[0]]
    asked = [term for concept in scoring.concepts(question.weights, question.language) for term, _ in concept.spellings()]
    about_past = validity.is_about_the_past(question.text)
    for candidate in _candidates(question, ranked, statistics):
        if len(chosen) > EXTRA or _words(chosen) + _length(candidate) > MAX_WORDS:
            continue
        if not _contradicts(candidate, chosen, about_past=about_past) and not _yields(candidate, chosen, asked):
            chosen.append(candidate)
    return chosen


def _candidates(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    best, pool = ranked[0], ranked[1:LOOKED_AT]
    found = [*_for_other_parts(question, best, ranked, statistics), *_adding(question, best, pool, statistics)]
    found += [other for other in pool if other.score >= NEAR * best.score]
    found += _following(best, ranked)
    return list(dict.fromkeys(found))


def _for_other_parts(question: Question, best: Ranked, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    """For each question of several, the unit that covers it best."""
    found: list[Ranked] = []
    for part in question.parts:
        asked = scoring.weigh(scoring.concepts(dict.fromkeys(part, 1.0), question.language), statistics)
        answering = [(_worth(asked, one), one) for one in ranked[:LOOKED_AT * 4] if one is not best]
        worth, leader = max(answering, key=lambda pair: pair[0], default=(0.0, best))
        if worth >= _worth(asked, best) * PART_NEAR:
            found.append(leader)
    return found


def _worth(asked: Asked, one: Ranked) -> float:
    score, covered = scoring.measure(asked, one.passage.fields)
    return score * covered * one.passage.standing if covered >= PART_COVERED else 0.0


def _adding(question: Question, best: Ranked, pool: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    """The unit that speaks most of what was asked and the best one leaves out."""
    asked = scoring.concepts(question.weights, question.language)
    missing = [concept for concept in asked if not any(best.passage.fields.frequency(term) for term, _ in concept.spellings())]
    total = sum(scoring.importance(concept, statistics) for concept in asked) or 1.0
    worths = {concept: scoring.importance(concept, statistics) / total for concept in missing}
    gains = [(sum(worth for concept, worth in worths.items() if _says(one, concept)), one) for one in pool]
    leading = sorted((pair for pair in gains if pair[0] >= ADDS), key=lambda pair: -pair[0] * pair[1].score)
    return [one for _, one in leading[:1]]


def _says(one: Ranked, concept: Concept) -> bool:
    return any(term in one.passage.fields.body for term, _ in concept.spellings())


def _following(best: Ranked, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The next sentence of the same paragraph often holds the condition."""
    here = best.passage
    return [one for one in ranked if one.passage.document == here.document and one.passage.paragraph == here.paragraph
            and one.passage.order == here.order + 1]


def _contradicts(candidate: Ranked, chosen: Sequence[Ranked], *, about_past: bool) -> bool:
    """No longer in force, or the twin of a chosen unit with other figures: another shop's row, another size's price."""
    if validity.is_in_force(candidate.passage.standing) == about_past:
        return True
    return any(_twins(candidate, other) for other in chosen)


def _yields(candidate: Ranked, chosen: Sequence[Ranked], asked: Sequence[str]) -> bool:
    """A document that gives way says nothing new about what a chosen one already covers."""
    spoken = {term for term in asked if candidate.passage.fields.frequency(term)}
    return any(
        other.passage.document != candidate.passage.document and other.passage.standing - candidate.passage.standing > STANDING_GAP
        and all(other.passage.fields.frequency(term) for term in spoken)
        for other in chosen
    )


def _twins(one: Ranked, other: Ranked) -> bool:
    mine, theirs = _plain(one), _plain(other)
    alike = len(mine & theirs) / (max(len(mine), len(theirs)) or 1)
    figures, others = numbers.figures(one.passage.text), numbers.figures(other.passage.text)
    return alike >= TWIN and figures != others and bool(figures and others)


def _plain(one: Ranked) -> frozenset[str]:
    return frozenset(term for term in one.passage.fields.body if not term[0].isdigit())


def _length(one: Ranked) -> int:
    return len(one.passage.text.split())


def _words(chosen: Sequence[Ranked]) -> int:
    return sum(_length(one) for one in chosen)
