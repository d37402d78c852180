"""Does each sentence of an answer stand in its sources? Words must overlap and every figure must be there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.domains.knowledge.rules import citations, courtesy, numbers, polarity, sentences, words

ENOUGH_SHARED = 0.5
SHORT = 3
# After the scheme, up to what could not be part of it; without one, words joined by dots as a domain is.
_ADDRESS = re.compile(r"(?:(?<=//)[^\s<>()\[\]\"'`,;]+)|(?<![\w.@/-])(?:[\w.+-]{1,64}@)?(?:[^\W_][\w-]{0,62}\.){1,8}[a-z]{2,24}\b(?:/[^\s<>()\[\]\"'`,;]*)?")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unsupported` are the sentences that no source carries."""

    grounded: bool
    unsupported: tuple[str, ...]


def check(answer: str, sources: Sequence[str], language: str) -> Verdict:
    unsupported = tuple(sentence for sentence in sentences.split(answer) if not is_supported(sentence, sources, language))
    return Verdict(not unsupported, unsupported)


def is_supported(sentence: str, sources: Sequence[str], language: str) -> bool:
    """A sentence with citations is held to those; one without may stand on any source. What is only polite needs none."""
    cited = [sources[number - 1] for number in citations.numbers_in(sentence) if 0 < number <= len(sources)]
    claim = citations.without(sentence)
    terms = set(words.stems(claim, language))
    if not numbers.figures(claim) and not addresses(claim) and courtesy.states_nothing(claim, language):
        return True
    return any(_carries(source, claim, terms, language) for source in (cited or sources))


def is_carried(sentence: str, sources: Sequence[str], language: str) -> bool:
    """It cites a source, and that source says what it says: enough to let an answer begin with it."""
    claim = citations.without(sentence)
    terms, cited = set(words.stems(claim, language)), citations.numbers_in(sentence)
    return bool(terms) and any(_carries(sources[number - 1], claim, terms, language) for number in cited)


def addresses(text: str) -> frozenset[str]:
    """Sites, mail and links: nobody is sent to a place that the source does not name."""
    return frozenset(found.rstrip("/.").removeprefix("www.") for found in _ADDRESS.findall(text.casefold()))


def _leads_nowhere_else(claim: str, source: str) -> bool:
    named = addresses(source)
    return all(any(there == wanted or there.startswith(f"{wanted}/") for there in named) for wanted in addresses(claim))


def _carries(source: str, claim: str, terms: set[str], language: str) -> bool:
    known = _shares_enough(terms, set(words.stems(source, language))) and numbers.figures(claim) <= numbers.figures(source)
    return known and _leads_nowhere_else(claim, source) and not _turned_round(source, claim, terms, language)


def _shares_enough(terms: set[str], told: set[str]) -> bool:
    """In a short sentence each word decides, so that all of them have to be there."""
    return len(terms & told) >= len(terms) * (ENOUGH_SHARED if len(terms) >= SHORT else 1)


def _turned_round(source: str, claim: str, terms: set[str], language: str) -> bool:
    """Every sentence of the source that is nearest to the claim denies what the claim affirms, or the other way about."""
    said = polarity.denied(claim, language)
    told = [(set(words.stems(one, language)), polarity.denied(one, language)) for one in sentences.split(source)]
    most = max((len(terms & stems) for stems, _ in told), default=0)
    return all(said & stems != denied & terms for stems, denied in told if len(terms & stems) == most)
