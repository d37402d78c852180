"""Did an agent say what it should? Facts are looked for as people would read them: case, accents and spaces do not count."""

from collections.abc import Iterable

from appliance.core.folding import fold_line
from appliance.domains.agents.types import Decision, Expected, Grade, Outcome, Reason

EITHER = "|"  # "30 dias | 1 mês": one of them is enough


def grade(expected: Expected, decision: Decision, *, facts: Iterable[str] = (), forbidden: Iterable[str] = ()) -> Grade:
    said = tuple(phrase for phrase in forbidden if is_said(phrase, decision.text))
    if expected is not Expected.ANSWER:
        return Grade(_is_as_expected(expected, decision) and not said, (), said)
    missing = tuple(fact for fact in facts if not is_said(fact, decision.text))
    return Grade(decision.outcome is Outcome.SEND and not missing and not said, missing, said)


def is_said(fact: str, text: str) -> bool:
    """A figure is the whole figure: "7 dias" does not stand in "17 dias", nor "R$ 49" in "R$ 490"."""
    words = f" {fold_line(text)} "
    return any(_stands(fold_line(way), words) for way in fact.split(EITHER) if way.strip())


def _stands(way: str, words: str) -> bool:
    place = words.find(way)
    while place >= 0:
        before, after = words[place - 1], words[place + len(way)]
        if not _goes_on(before, way[0]) and not _goes_on(after, way[-1]):
            return True
        place = words.find(way, place + 1)
    return False


def _goes_on(beside: str, edge: str) -> bool:
    return beside.isalnum() and edge.isalnum()


def _is_as_expected(expected: Expected, decision: Decision) -> bool:
    if expected is Expected.PERSON:
        return decision.outcome is Outcome.HAND_OFF
    return decision.outcome is Outcome.FALLBACK or decision.reason is Reason.LOW_CONFIDENCE
