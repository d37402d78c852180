"""From ranked units to a short readable answer with citations: the best unit and up to three that add something."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from appliance.domains.knowledge.rules import asking, numbers, polarity, scoring, validity, wants
from appliance.domains.knowledge.rules.asking import Question
from appliance.domains.knowledge.rules.ranking import Ranked
from appliance.domains.knowledge.rules.scoring import Asked, Concept, Statistics
from appliance.domains.knowledge.rules.units import UnitKind
from appliance.domains.knowledge.rules.wants import Want
from appliance.domains.knowledge.rules.words import fold

MAX_WORDS = 80
EXTRA = 3
NEAR = 0.65
TWIN, SAME = 0.6, 0.9
RARE = 0.6
ADDING_NEAR = 0.3
WHOLE = 0.99
BARE = 4
FITS = 1.3
ADDS = 0.15
LOOKED_AT = 24
PART_NEAR, PART_COVERED = 0.3, 0.5
STANDING_GAP = 0.1
_HOW = re.compile(r"\b(?:como (?:eu |que |se )?(?!vai|esta|ta\b)\w+|passo a passo|o que (?:eu )?faco|o ?q (?:eu )?faco|how (?:do|can|should|to)|what (?:do|should) i do)\b")


@dataclass(frozen=True, slots=True)
class Told:
    """What the question is about, to judge whether a further unit belongs to the answer."""

    terms: frozenset[str]
    rare: tuple[Concept, ...]
    denied: frozenset[str]
    language: str
    wants_phone: bool
    one_price: bool

    @classmethod
    def of(cls, question: Question, best: Ranked, statistics: Statistics) -> "Told":
        asked = [one for one in scoring.concepts(question.weights_for(best.passage.language), best.passage.language)
                 if any(best.passage.fields.frequency(term) for term, _ in one.spellings())]
        worths = {one: scoring.importance(one, statistics) for one in asked}
        most = max(worths.values(), default=0.0)
        terms = frozenset(term for one in asked for term, _ in one.spellings())
        return cls(terms, tuple(one for one in asked if worths[one] >= RARE * most and not one.term[0].isdigit()),
                   polarity.denies_a_group(question.text, question.language), question.language,
                   Want.PHONE in question.wanted, Want.MONEY in question.wanted and not question.parts)

    def concerns(self, one: Ranked, best: Ranked) -> bool:
        """It names what is rare in the question; under the best unit's own heading one such word in the heading is not enough."""
        return any(_says(one, concept) for concept in self.rare) or (
            one.passage.kind is UnitKind.SENTENCE and one.passage.path != best.passage.path
            and any(one.passage.fields.path.get(term) for concept in self.rare for term, _ in concept.spellings())
        )

    def is_somebody_elses(self, one: Ranked, best: Ranked) -> bool:
        """A telephone that nobody asked for, or one that belongs to another name than the best unit's."""
        if not wants.states(one.passage.text, Want.PHONE):
            return False
        return not self.wants_phone or not all(_says(one, concept) for concept in self.rare if _says(best, concept))

    def is_neighbours_price(self, one: Ranked) -> bool:
        """Who asks what one thing costs is not told what another does."""
        near = one.passage.fields
        return self.one_price and _is_priced(one) and not all(
            any(near.body.get(term) or near.path.get(term) for term, _ in concept.spellings()) for concept in self.rare
        )

    def repeats(self, candidate: Ranked, chosen: Sequence[Ranked]) -> bool:
        return any(_is_same(candidate, other) for other in chosen)

    def means(self, other: Ranked, candidate: Ranked) -> bool:
        """The question names what sets the chosen sentence apart from its sibling."""
        mine = polarity.denied(other.passage.text, other.passage.language)
        theirs = polarity.denied(candidate.passage.text, candidate.passage.language)
        if mine != theirs and self.denied:
            return bool(mine & self.denied) and not theirs & self.denied
        return bool((_plain(other) - _plain(candidate)) & self.terms)


def by_polarity(question: Question, ranked: list[Ranked]) -> list[Ranked]:
    """Who says not to be a member is told what holds for those who are not, where the documents tell them apart."""
    denied = polarity.denies_a_group(question.text, question.language)
    near = [one for one in ranked[:LOOKED_AT] if one.score >= PART_NEAR * ranked[0].score] if denied else []
    fitting = [one for one in near if denied & polarity.denied(one.passage.text, one.passage.language)]
    if not fitting:
        return ranked
    others = frozenset(id(one) for one in near for other in fitting if one not in fitting and _twins(one, other))
    lifted = [replace(one, score=one.score * FITS) if one in fitting else replace(one, score=one.score / FITS) if id(one) in others else one
              for one in ranked]
    return sorted(lifted, key=lambda one: -one.score)


def by_case(question: Question, ranked: list[Ranked]) -> list[Ranked]:
    """Who asks of a thing `com` something is not told what holds `sem` it, where the documents tell the two apart; nor the other way about."""
    near = [one for one in ranked[:LOOKED_AT] if one.score >= PART_NEAR * ranked[0].score]
    if not any(_case(question, one) > 0 for one in near):
        return ranked
    return [one for one in ranked if _case(question, one) >= 0]


def _case(question: Question, one: Ranked) -> int:
    """1: of the case that is asked about; -1: of the opposite alone; 0: it tells of no case."""
    having, lacking = polarity.goes(question.text, question.language)
    told, missing = polarity.goes(" . ".join((*one.passage.path, one.passage.text)), one.passage.language)
    if having & told or lacking & missing:
        return 1
    return -1 if having & missing or lacking & told else 0


def by_price(question: Question, ranked: list[Ranked]) -> list[Ranked]:
    """Who asks for a price is told the one in the same paragraph before a sentence there that states none."""
    if not ranked or Want.MONEY not in question.wanted or _is_priced(ranked[0]):
        return ranked
    best = ranked[0]
    priced = [one for one in ranked if _is_sibling(one, best) and _is_priced(one) and abs(one.passage.order - best.passage.order) <= 1]
    if best.passage.kind is not UnitKind.SENTENCE or not priced:
        return ranked
    return [replace(priced[0], score=best.score), *(one for one in ranked if one is not priced[0])]


def _is_priced(one: Ranked) -> bool:
    return wants.states(one.passage.text, Want.MONEY)


def choose(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    """The best unit, then by turns: what answers another part of the message, what follows it, what scores close to it."""
    if not ranked:
        return []
    chosen = [ranked[0]]
    told = Told.of(question, ranked[0], statistics)
    asked = [term for concept in scoring.concepts(question.weights, question.language) for term, _ in concept.spellings()]
    about_past = validity.is_about_the_past(question.text)
    for candidate in _candidates(question, ranked, statistics):
        if len(chosen) > EXTRA or _words(chosen) + _length(candidate) > MAX_WORDS:
            continue
        if told.repeats(candidate, chosen) or _contradicts(candidate, chosen, told, about_past=about_past):
            continue
        if not _yields(candidate, chosen, asked):
            chosen.append(candidate)
    return chosen


def _candidates(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    best, pool = ranked[0], ranked[1:LOOKED_AT]
    found = [*_for_other_parts(question, best, ranked, statistics), *_adding(question, best, pool, statistics)]
    told = Told.of(question, best, statistics)
    found += _siblings(best, ranked)
    found += [other for other in pool if other.score >= NEAR * best.score and told.concerns(other, best)]
    asks_how = bool(_HOW.search(fold(question.text)))
    found += [other for other in _following(best, ranked) if _length(best) <= BARE or asks_how or told.concerns(other, best)]
    return [one for one in dict.fromkeys(found)
            if not one.passage.text.endswith(":") and not told.is_somebody_elses(one, best) and not told.is_neighbours_price(one)]


def _for_other_parts(question: Question, best: Ranked, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    """For each question of several, the unit that covers it best."""
    found: list[Ranked] = []
    for part in question.parts:
        asked = scoring.weigh(scoring.concepts(dict.fromkeys(part, 1.0), question.language), statistics)
        answering = [(_worth(asked, one), one) for one in ranked[:LOOKED_AT * 4] if one is not best]
        worth, leader = max(answering, key=lambda pair: pair[0], default=(0.0, best))
        whole = asking.names_nothing(part, question.language) and scoring.measure(asked, best.passage.fields)[1] >= WHOLE
        if worth >= _worth(asked, best) * PART_NEAR and not whole:
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
    near = [one for one in pool if one.score >= ADDING_NEAR * best.score]
    gains = [(sum(worth for concept, worth in worths.items() if _says(one, concept)), one) for one in near]
    leading = sorted((pair for pair in gains if pair[0] >= ADDS), key=lambda pair: -pair[0] * pair[1].score)
    return [one for _, one in leading[:1]]


def _says(one: Ranked, concept: Concept) -> bool:
    return any(term in one.passage.fields.body for term, _ in concept.spellings())


def _following(best: Ranked, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The next sentence of the same paragraph often holds the condition."""
    here = best.passage
    return [one for one in ranked if one.passage.document == here.document and one.passage.paragraph == here.paragraph
            and one.passage.order == here.order + 1]


def _siblings(best: Ranked, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Sentences of the same paragraph that say the same of another group or condition."""
    return [one for one in ranked[1:LOOKED_AT] if _is_sibling(one, best) and _twins(one, best)]


def _is_sibling(one: Ranked, other: Ranked) -> bool:
    mine, theirs = one.passage, other.passage
    return mine.kind is UnitKind.SENTENCE and (mine.document, mine.paragraph) == (theirs.document, theirs.paragraph)


def _contradicts(candidate: Ranked, chosen: Sequence[Ranked], told: Told, *, about_past: bool) -> bool:
    """No longer in force, or the twin of a chosen unit with other figures: another shop's row, another size's price.

    Sibling sentences are for different people: both are said unless the question names whose it is.
    """
    if validity.is_in_force(candidate.passage.standing) == about_past:
        return True
    return any(_twins(candidate, other) and (not _is_sibling(candidate, other) or told.means(other, candidate)) for other in chosen)


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


def _is_same(one: Ranked, other: Ranked) -> bool:
    """The same sentence of two documents, whatever its dots and commas."""
    mine, theirs = frozenset(one.passage.fields.body), frozenset(other.passage.fields.body)
    alike = len(mine & theirs) / (len(mine | theirs) or 1)
    return alike >= SAME and numbers.figures(one.passage.text) == numbers.figures(other.passage.text)


def _plain(one: Ranked) -> frozenset[str]:
    return frozenset(term for term in one.passage.fields.body if not term[0].isdigit())


def _length(one: Ranked) -> int:
    return len(one.passage.text.split())


def _words(chosen: Sequence[Ranked]) -> int:
    return sum(_length(one) for one in chosen)
