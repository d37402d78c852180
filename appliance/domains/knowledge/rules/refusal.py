"""When to say "I do not know": measured against questions that a company's own documents cannot answer."""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.domains.knowledge.rules import scoring, wants, words
from appliance.domains.knowledge.rules.asking import Question
from appliance.domains.knowledge.rules.ranking import Passage, Ranked

PROBE_TERMS, PROBES, QUANTILE = 4, 300, 0.57
FOCUS_MISSED = 0.55
SURE = 1.4
FALLBACK, LEAST = 4.0, 1e-6
_FOCUS = re.compile(
    r"\b(?:qual|quais|que|quanto|quantos|quantas|quanta|what|whats|which|how many)\b"
    r"(?: (?:e|eh|sao|seria|era|foi|fica|o|a|os|as|um|uma|do|da|is|are|the|was))* ([^\W\d_]+)",
)
_MEASURES = frozenset(
    "tempo dia dias hora horas mes meses ano anos minuto minutos semana semanas vez vezes frequencia percentual porcentagem quantidade data dura leva demora"
    " percentage days weeks months hours years time times day number date often".split(),
)


class Band(StrEnum):
    """What the evidence allows: an answer, "I found this", or nothing."""

    ANSWER = "answer"
    MAYBE = "maybe"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probe:
    """A question made of words that stand together in one section; that section is hidden when it is asked."""

    question: Question
    document: str
    path: tuple[str, ...]
    paragraph: int

    def hides(self, passage: Passage) -> bool:
        same_section = passage.path == self.path and bool(self.path)
        return passage.document == self.document and (passage.paragraph == self.paragraph or same_section)

    def seen(self, passages: Sequence[Passage]) -> list[Passage]:
        """What is left to answer with. A copy of the section in another document would answer as the section itself."""
        hidden = {passage.text for passage in passages if self.hides(passage)}
        return [passage for passage in passages if passage.text not in hidden]


def probes(passages: Sequence[Passage], *, seed: int = 7) -> list[Probe]:
    """The same passages give the same probes."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    sample = chance.choices(passages, k=PROBES) if passages else []
    return [probe for passage in sample if (probe := _probe(passage, chance))]


def _probe(passage: Passage, chance: random.Random) -> Probe | None:
    known = [term for term in dict.fromkeys((*passage.fields.path, *passage.fields.body)) if not term[0].isdigit()]
    if len(known) < PROBE_TERMS:
        return None
    picked = chance.sample(known, PROBE_TERMS)
    question = Question(" ".join(picked), passage.language, dict.fromkeys(picked, 1.0), (), {})
    return Probe(question, passage.document, passage.path, passage.paragraph)


def threshold(best_scores: Iterable[float]) -> float:
    """Below it the best unit says no more than chance resemblance would: a quantile of what unanswerable probes reach.

    A few short sentences give no probe: then whatever shares a word with the question may answer.
    """
    ordered = sorted(best_scores)
    return max(ordered[int((len(ordered) - 1) * QUANTILE)], LEAST) if ordered else LEAST


def strength(question: Question, ranked: Sequence[Ranked], limit: float) -> float:
    """How far the best unit is above the threshold; less when the very thing asked for is missing from it."""
    if not ranked:
        return 0.0
    missed = misses_focus(question, ranked[0].passage)
    return ranked[0].score * (FOCUS_MISSED if missed else 1.0) / limit


def band(measured: float) -> Band:
    if measured < 1:
        return Band.UNKNOWN
    return Band.ANSWER if measured >= SURE else Band.MAYBE


def calibrated(measured: float) -> float:
    """0 to 1, one half at the threshold: the same meaning in every corpus."""
    return measured * measured / (1 + measured * measured)


def misses_focus(question: Question, passage: Passage) -> bool:
    """`qual a altura da geladeira` found the fridge but nothing about heights."""
    if passage.language != question.language:
        return False
    asked = (word for word in focus(question.text, question.language) if words.stem(word, question.language) in question.weights)
    return any(not _speaks_of(word, passage) for word in asked)


def focus(text: str, language: str) -> list[str]:
    """The nouns after `qual`, `que`, `quantos`; measures such as days say nothing of their own."""
    found = _FOCUS.findall(words.written_out(text, language))
    return [word for word in found if word not in _MEASURES and words.stems(word, language)]


def _speaks_of(word: str, passage: Passage) -> bool:
    concept = scoring.concepts({words.stem(word, passage.language): 1.0}, passage.language)[0]
    near = passage.fields
    if any(near.body.get(term) or near.path.get(term) for term, _ in concept.spellings()):
        return True
    return any(wants.states(passage.text, want) for want in wants.wanted(word))
