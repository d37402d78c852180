"""What a contact's message is about and what of it a person should see at once. General words only; no document is asked."""

import re
from collections.abc import Collection, Mapping

from appliance.core.folding import fold_line
from appliance.domains.agents.rules import intents
from appliance.domains.agents.rules.phrases import HARM, patterns
from appliance.domains.agents.rules.subjects import CLEAR, LIKELY
from appliance.domains.agents.types import Intent
from appliance.domains.conversations.types import Reading, Signal, Topic

_CLEAR = {topic: tuple(re.compile(line) for line in patterns(lines)) for topic, lines in CLEAR.items()}
_LIKELY = {topic: tuple(re.compile(line) for line in patterns(lines)) for topic, lines in LIKELY.items()}
CLEAR_POINTS, LIKELY_POINTS, STAYS_POINTS = 2, 1, 2
ACTS = {Intent.WANTS_PERSON: Topic.WANTS_PERSON, Intent.PRIVACY: Topic.PRIVACY}
ALWAYS_BUYING = frozenset({Topic.PRICE, Topic.AVAILABILITY, Topic.BUYING, Topic.WHOLESALE})
MAYBE_BUYING = frozenset({Topic.PAYMENT, Topic.CREDIT, Topic.DELIVERY, Topic.SCHEDULING})  # asked before a purchase and after one
STAYS = frozenset({
    Topic.ORDER_STATUS, Topic.RETURNS, Topic.WARRANTY, Topic.SUPPORT, Topic.COMPLAINT, Topic.EMERGENCY, Topic.PRIVACY,
})  # fmt: skip
PASSING = frozenset({Topic.GREETING, Topic.FAREWELL, Topic.OTHER, Topic.OPT_OUT, Topic.OFF_TOPIC, Topic.PRAISE, Topic.WANTS_PERSON})
_BAD_NEWS = re.compile(
    r"\b(atras\w+|demor\w+|err(o|ou|ad[oa])|quebr\w+|estrag\w+|defeito|nunca|ficar sem|jog\w+ .{0,20}fora|perdi|de novo"
    r"|outra vez"
    r"|nao (\w+ )?(chegou|veio|resolv\w+|respond\w+|funciona)|late|wrong|broken|never|again)\b",
)
_OWED = re.compile(
    r"\b(segunda via|2a via|fatura|cobra(ram|do|nca)|divida|atrasad[oa]s?|em atraso|renegoci\w+|negociar|paguei|charged|overdue|debt"
    r"|devolu\w+|comprei|meu pedido|minha compra)\b",
)
_HARM = re.compile(HARM)
_LATER = re.compile(
    r"^\W*(ok |ta |blz |bom )*(vou (pensar|ver|analisar)|depois (eu )?(vejo|falo|volto|te)|qualquer coisa|i.?ll think|let me think)\b",
)


def read(text: str, *, before: Topic | None, known: Collection[Signal] = (), is_danger: bool = False) -> Reading:
    """`before`: what the conversation was about; `known`: what it showed. A message that says nothing of its own goes on with that."""
    said = fold_line(text)
    found = intents.find_intents(text)
    is_urgent = is_danger or bool(_HARM.search(said))
    topic = Topic.EMERGENCY if is_urgent else _act(said, found) or _subject(said, before) or _rest(said, found, before)
    signals = {
        Signal.URGENT: is_urgent,
        Signal.COMPLAINT: topic is Topic.COMPLAINT or Intent.COMPLAINT in found or _hits(_CLEAR, Topic.COMPLAINT, said) > 0,
        Signal.PURCHASE: _is_purchase(said, topic, found, before=before, known=known),
    }
    return Reading(topic, frozenset(signal for signal, holds in signals.items() if holds))


def outlives(topic: Topic) -> bool:
    """Whether what the conversation is about is not changed by this."""
    return topic in PASSING


def _act(said: str, found: Collection[Intent]) -> Topic | None:
    """What somebody does by saying it weighs more than what it is about."""
    act = next((topic for intent, topic in ACTS.items() if intent in found), None)
    if act is not None:
        return act
    if Intent.COMPLAINT in found or Intent.NEGATIVE in found or (_hits(_CLEAR, Topic.PRAISE, said) and _BAD_NEWS.search(said)):
        return Topic.COMPLAINT
    return Topic.BUYING if Intent.BUYING in found and "?" not in said else None


def _subject(said: str, before: Topic | None) -> Topic | None:
    """With the most points; the one that stands first in the list of several. A word that is only likely changes no subject,
    and one thing that went wrong stays the subject while what is broken, its price, its payment or its delivery are spoken of.
    """
    clear = {topic: _hits(_CLEAR, topic, said) for topic in CLEAR}
    points = {topic: CLEAR_POINTS * clear[topic] + LIKELY_POINTS * _hits(_LIKELY, topic, said) for topic in CLEAR}
    if before is not None and not outlives(before):
        if not any(clear.values()):
            return None
        if before in STAYS and not any(clear.get(topic) for topic in STAYS - {before, Topic.SUPPORT}):
            points[before] = points.get(before, 0) + STAYS_POINTS
    best = max(points, key=lambda topic: points[topic])
    return best if points[best] else None


def _hits(lexicon: Mapping[Topic, tuple[re.Pattern[str], ...]], topic: Topic, said: str) -> int:
    return sum(bool(pattern.search(said)) for pattern in lexicon.get(topic, ()))


def _rest(said: str, found: Collection[Intent], before: Topic | None) -> Topic:
    if Intent.IDENTITY in found:
        return Topic.OTHER
    if Intent.QUESTION not in found:
        is_hello = Intent.GREETING in found and Intent.THANKS not in found
        return Topic.GREETING if is_hello else Topic.FAREWELL
    if _LATER.search(said):
        return Topic.FAREWELL
    return before if before is not None and not outlives(before) else Topic.OTHER


def _is_purchase(said: str, topic: Topic, found: Collection[Intent], *, before: Topic | None, known: Collection[Signal]) -> bool:
    """On the way to buying: not what was bought already, nor what is owed for it."""
    if Intent.TASK in found or _OWED.search(said):
        return False
    if topic in ALWAYS_BUYING:
        return True
    return topic in MAYBE_BUYING and (Signal.PURCHASE in known or before not in STAYS)
