"""Does each sentence of an answer stand in its sources? Words must overlap and every figure must be there."""

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.domains.knowledge.rules import citations, numbers, sentences, words

ENOUGH_SHARED = 0.5
SHORT = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unsupported` are the sentences that no source carries."""

    grounded: bool
    unsupported: tuple[str, ...]


def check(answer: str, sources: Sequence[str], language: str) -> Verdict:
    unsupported = tuple(sentence for sentence in sentences.split(answer) if not is_supported(sentence, sources, language))
    return Verdict(not unsupported, unsupported)


def is_supported(sentence: str, sources: Sequence[str], language: str) -> bool:
    """A sentence with citations is held to those; one without may stand on any source."""
    cited = [sources[number - 1] for number in citations.numbers_in(sentence) if 0 < number <= len(sources)]
    claim = citations.without(sentence)
    terms = set(words.stems(claim, language))
    if len(terms) < SHORT and not numbers.figures(claim):
        return True
    return any(_carries(source, terms, numbers.figures(claim), language) for source in (cited or sources))


def is_carried(sentence: str, sources: Sequence[str], language: str) -> bool:
    """It cites a source, and that source says what it says: enough to let an answer begin with it."""
    claim = citations.without(sentence)
    terms, cited = set(words.stems(claim, language)), citations.numbers_in(sentence)
    return bool(terms) and any(_carries(sources[number - 1], terms, numbers.figures(claim), language) for number in cited)


def _carries(source: str, terms: set[str], figures: frozenset[str], language: str) -> bool:
    shared = len(terms & set(words.stems(source, language))) / (len(terms) or 1)
    return figures <= numbers.figures(source) and shared >= ENOUGH_SHARED


def keep_supported(answer: str, sources: Sequence[str], language: str) -> str:
    """The answer without the sentences no source carries."""
    return " ".join(sentence for sentence in sentences.split(answer) if is_supported(sentence, sources, language))
