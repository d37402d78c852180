"""A conversation in a few of its own lines: what was asked, what stays open, what was answered and promised, what to hold on to."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from appliance.core.folding import fold_line
from appliance.domains.agents.rules import facts, intents
from appliance.domains.agents.rules.phrases import patterns
from appliance.domains.agents.types import Excerpt, Intent, Line, Quoted, Speaker, Wish

SILENCE = timedelta(days=3)  # what was said before is another story
MOST_WISHES, MOST_QUOTED, LONGEST = 4, 3, 220
_WEIGHTS = {
    Intent.TASK: 3, Intent.COMPLAINT: 3, Intent.PRIVACY: 3, Intent.WANTS_PERSON: 2, Intent.BUYING: 2, Intent.PRICE: 1, Intent.PAYMENT: 1,
}  # fmt: skip
_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_CITATION = re.compile(r"[ \t]*\[\d{1,2}\]")
_PROMISES = r"""
    \b(vou|vamos|irei|iremos) (?!precisar)\w+
    \b(te|lhe|o|a) (ligo|retorno|aviso|envio|mando|passo|confirmo|respondo|ligaremos|retornaremos|avisaremos|enviaremos)\b
    \b(retorno|ligo|aviso|envio|mando|confirmo|respondo|entregamos|resolvemos|devolvemos) (ate|amanha|hoje|na|no|as|em|assim que|ainda)\b
    \b(fica|esta|ficou|estao) (combinad|agendad|marcad|reservad|separad|confirmad)[oa]s?\b
    \b(garanto|prometo|pode contar)\b
    \b(i|we)('ll| will| am going to| are going to) \w+
    \byou('ll| will) (get|receive|hear)\b
    \b(is|are) (booked|reserved|scheduled|confirmed)\b
"""
_PROMISE = re.compile("|".join(patterns(_PROMISES)))


def excerpt(said: Sequence[Line]) -> Excerpt:
    lines = episode([line for line in said if line.text.strip()])
    return Excerpt(
        since=lines[0].at if lines else None,
        wishes=_wishes(lines),
        facts=facts.find_facts([line for line in lines if line.speaker is Speaker.CONTACT]),
        answered=tuple(_quoted(line) for line in lines if is_answer(line))[-MOST_QUOTED:],
        promised=tuple(_promises(lines))[-MOST_QUOTED:],
    )


def episode(lines: Sequence[Line]) -> Sequence[Line]:
    """What belongs together: everything since the last long silence."""
    breaks = [at for at in range(1, len(lines)) if lines[at].at - lines[at - 1].at > SILENCE]
    return lines[breaks[-1]:] if breaks else lines


def is_answer(line: Line) -> bool:
    """Something that answers: said by a person, or by the agent from documents. Greetings and hand-off notices do not."""
    return line.speaker is Speaker.PERSON or (line.speaker is Speaker.AGENT and bool(line.sources))


def _wishes(lines: Sequence[Line]) -> tuple[Wish, ...]:
    """The first, what is open, and of the rest the weightiest; in their order."""
    answered = max((line.number for line in lines if is_answer(line)), default=0)
    found = [Wish(number, text, is_open=last > answered) for number, last, text in _turns(lines)]
    if len(found) <= MOST_WISHES:
        return tuple(found)
    kept = sorted(found[1:], key=lambda wish: (wish.is_open, _weight(wish.text), wish.number))[-(MOST_WISHES - 1):]
    return (found[0], *(wish for wish in found[1:] if wish in kept))


def _turns(lines: Sequence[Line]) -> Iterator[tuple[int, int, str]]:
    """What the contact said in one go, courtesies left out: first and last number, and the words. What leads up to the first question
    belongs to it; remarks after that are left out.
    """
    begun: list[Line] = []
    is_first = True
    for by_contact, group in groupby(lines, lambda line: line.speaker is Speaker.CONTACT):
        told = [line for line in group if not intents.is_courtesy(line.text)] if by_contact else []
        begun = [*begun, *told] if is_first else told
        if told and any(intents.asks(line.text) or _weight(line.text) for line in told):
            is_first = False
            yield _joined(begun)
    if is_first and begun:
        yield _joined(begun)


def _joined(told: Sequence[Line]) -> tuple[int, int, str]:
    return told[0].number, told[-1].number, short(" · ".join(" ".join(line.text.split()) for line in told))


def _weight(text: str) -> int:
    return max((_WEIGHTS.get(intent, 0) for intent in intents.find_intents(text)), default=0)


def _promises(lines: Sequence[Line]) -> Iterator[Quoted]:
    for line in lines:
        if line.speaker is Speaker.PERSON:
            kept = [sentence for sentence in _END.split(line.text) if _PROMISE.search(fold_line(sentence))]
            if kept:
                yield Quoted(line.number, short(" ".join(kept)), line.speaker)


def _quoted(line: Line) -> Quoted:
    return Quoted(line.number, short(_gist(_CITATION.sub("", line.text))), line.speaker, line.sources)


def _gist(text: str) -> str:
    """The first sentence that is more than a courtesy."""
    sentences = [sentence for sentence in _END.split(text.strip()) if sentence.strip()]
    return next((sentence for sentence in sentences if not intents.is_courtesy(sentence)), sentences[0] if sentences else "")


def short(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    space = text.rfind(" ", 0, LONGEST)
    return text[: space if space > 0 else LONGEST].rstrip(" ,;·") + " …"
