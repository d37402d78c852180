"""One question, start to end, without a language model: danger first, then the best units, or an honest no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from appliance.domains.knowledge.rules import (
    asking,
    columns,
    composing,
    emergencies,
    language,
    ranking,
    refusal,
    scoring,
    spelling,
    wants,
    words,
)
from appliance.domains.knowledge.rules.asking import Question, Turn
from appliance.domains.knowledge.rules.ranking import Passage, Ranked
from appliance.domains.knowledge.rules.refusal import Band
from appliance.domains.knowledge.rules.scoring import Statistics
from appliance.domains.knowledge.rules.units import UnitKind
from appliance.domains.knowledge.rules.wants import Want

REPAIRED = 0.8
OWN_COVERED = 0.5
_UNKNOWN = {
    "pt": "Não encontrei essa informação nos documentos. Posso chamar uma pessoa da equipe para ajudar.",
    "en": "I could not find this in the documents. I can ask a person from the team to help.",
}
_FOUND = {"pt": "Encontrei isto: ", "en": "I found this: "}


@dataclass(frozen=True, slots=True)
class Draft:
    """`quotes` in order of use; `chunks` are the sources that `[n]` points to, first cited first.

    `ranked_chunks`: all, by their best unit.
    """

    band: Band
    text: str
    quotes: tuple[Ranked, ...]
    chunks: tuple[str, ...]
    confidence: float
    language: str
    emergency: emergencies.Emergency | None = None
    ranked_chunks: tuple[str, ...] = ()


def understand(text: str, context: Sequence[Turn], *, known_acronyms: Mapping[str, str], default: str = "pt") -> Question:
    spoken = language.detect(text[:asking.LONGEST_QUESTION], default)
    question = asking.read(text, spoken, context, known_acronyms)
    if emergencies.recognise(text) is emergencies.Emergency.URGENT:
        return _seeking(emergencies.ON_CALL, question)
    return _seeking(wants.NAMED[Want.ADDRESS], question) if Want.ADDRESS in question.wanted else question


def _seeking(listed: Mapping[str, str], question: Question) -> Question:
    """What is urgent asks for a telephone, `where are you` for an address, whatever the words are."""
    sought = {spoken: dict.fromkeys(words.stems(named, spoken), 1.0) for spoken, named in listed.items()}
    other = asking.OTHER[question.language]
    return replace(
        question, weights=sought[question.language] | dict(question.weights), translated=sought[other] | dict(question.translated),
    )


def language_of(text: str, default: str = "pt") -> str:
    return language.detect(text[:asking.LONGEST_QUESTION], default)


def speaks_of(text: str, draft: Draft, statistics: Statistics, *, all_of_it: bool = False) -> bool:
    """The best quote says the question's own words, not only those of what was said before."""
    if not draft.quotes:
        return False
    best, spoken = draft.quotes[0].passage, language_of(text)
    own = scoring.concepts(dict.fromkeys(words.question_stems(text, spoken), 1.0), spoken)
    return scoring.measure(scoring.weigh(own, statistics), best.fields)[1] >= (1.0 if all_of_it else OWN_COVERED)


def unknown_terms(question: Question, document_frequency: Mapping[str, int]) -> list[str]:
    """Stems no document has, under any of their synonyms: candidates for a spelling repair."""
    concepts = scoring.concepts(question.weights, question.language)
    return [one.term for one in concepts if not any(term in document_frequency for term, _ in one.spellings())]


def repaired(question: Question, unknown: Sequence[str], vocabulary: Mapping[str, int]) -> Question:
    """Mistyped stems replaced by the nearest known ones, at a little less weight."""
    meant = {term: other for term in unknown if (other := spelling.repair(term, vocabulary))}
    if not meant:
        return question
    weights: dict[str, float] = {}
    for term, weight in question.weights.items():
        other = meant.get(term, term)
        weights[other] = max(weights.get(other, 0.0), weight * (REPAIRED if term in meant else 1.0))
    return replace(question, weights=weights)


def answer(question: Question, passages: Sequence[Passage], statistics: Statistics, threshold: float) -> Draft:
    danger = emergencies.recognise(question.text)
    ranked = composing.by_price(question, composing.by_polarity(question, composing.by_case(question, ranking.rank(question, passages, statistics))))
    measured = refusal.strength(question, ranked, threshold)
    order = tuple(dict.fromkeys(one.passage.chunk for one in ranked))
    verdict = refusal.band(measured)
    if danger:
        return replace(_in_danger(danger, question, ranked, verdict, measured, statistics), ranked_chunks=order)
    if verdict is Band.UNKNOWN:
        return Draft(verdict, not_found(question.language), (), (), refusal.calibrated(measured), question.language, ranked_chunks=order)
    chosen = composing.choose(question, ranked, statistics)
    text, chunks = cite(chosen, question)
    opening = _FOUND[question.language] if verdict is Band.MAYBE else ""
    return Draft(verdict, opening + text, tuple(chosen), chunks, refusal.calibrated(measured), question.language, ranked_chunks=order)


def _in_danger(
    danger: emergencies.Emergency, question: Question, ranked: Sequence[Ranked], verdict: Band, measured: float, statistics: Statistics,
) -> Draft:
    """The advice never waits for a document; what the company says follows when it is to the point."""
    if danger is emergencies.Emergency.URGENT:
        return _urgent(question, ranked, measured)
    advice = emergencies.advice(danger, question.language)
    chosen = composing.choose(question, ranked, statistics)[:2] if verdict is not Band.UNKNOWN else []
    text, chunks = cite(chosen, question)
    return Draft(Band.ANSWER, f"{advice} {text}".strip(), tuple(chosen), chunks, refusal.calibrated(measured), question.language, danger)


def _urgent(question: Question, ranked: Sequence[Ranked], measured: float) -> Draft:
    """The telephone for such a case, when the company names one; a person is called in any case."""
    urgent, spoken = emergencies.Emergency.URGENT, question.language
    on_call = [one for one in ranked if emergencies.names_who_is_on_call(one.passage.text, one.passage.path)][:1]
    if not on_call:
        return Draft(Band.UNKNOWN, not_found(spoken), (), (), refusal.calibrated(measured), spoken, urgent)
    text, chunks = cite(on_call, question)
    return Draft(Band.ANSWER, text, tuple(on_call), chunks, max(refusal.calibrated(measured), 0.5), spoken, urgent)


def not_found(spoken: str) -> str:
    return _UNKNOWN.get(spoken, _UNKNOWN["pt"])


def cite(chosen: Sequence[Ranked], question: Question) -> tuple[str, tuple[str, ...]]:
    """Neighbouring units of one chunk share a mark."""
    chunks = tuple(dict.fromkeys(one.passage.chunk for one in chosen))
    number = {chunk: place for place, chunk in enumerate(chunks, 1)}
    return " ".join(f"{_ended(_shown(one, question))} [{number[one.passage.chunk]}]" for one in chosen), chunks


def _shown(one: Ranked, question: Question) -> str:
    passage = one.passage
    return columns.shown(passage.text, question, passage.language) if passage.kind is UnitKind.ROW else passage.text


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", ":", ";")) else f"{text}."


def searched_stems(question: Question) -> dict[str, float]:
    """Every stem worth looking up in the index, in either language, synonyms included at their share."""
    found: dict[str, float] = {}
    for spoken in ("pt", "en"):
        for concept in scoring.concepts(question.weights_for(spoken), spoken):
            for term, share in concept.spellings():
                found[term] = max(found.get(term, 0.0), concept.weight * share)
    return found


def document_stems(text: str, spoken: str) -> list[str]:
    return words.stems(text, spoken)


def calibrated_score(score: float, threshold: float) -> float:
    return refusal.calibrated(score / threshold)
