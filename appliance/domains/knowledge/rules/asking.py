# ruff: noqa: E501

"""What a customer asks for: follow-ups read with what was said before, several questions in one message."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.domains.knowledge.rules import acronyms, bilingual, words
from appliance.domains.knowledge.rules.words import fold

USER_TURN, AGENT_TURN = 1.0, 0.3
FRESH, EXPANDED = 0.5, 0.5
OTHER = {"pt": "en", "en": "pt"}
ENOUGH_ALONE = 4
OLD_TOPIC = 0.25
_FOLLOWS = re.compile(r"^\W*(?:e|ta e|mas e|and|what about|how about|entao e)\b")
_PARTS = re.compile(r"[?!;]+\s+|\n+|\s+(?:e|and)\s+(?=(?:o|a|os|as|se|tambem|tem|da|pode|posso|voces|fazem|aceitam|precisa|qual|quanto|quantos|quantas|onde|quando|como|what|how|where|when|is|do|does)\b)|,\s+(?=(?:qual|quanto|quantos|onde|quando|como|what|how|where|when)\b)")


@dataclass(frozen=True, slots=True)
class Turn:
    """`role` is `user` or `agent`."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """`weights` by stem, for each language that documents are in. `parts` are the stems of each question in the message.

    `said` is the message with what it continues: amounts named a turn ago still hold.
    """

    text: str
    language: str
    weights: Mapping[str, float]
    parts: tuple[frozenset[str], ...]
    translated: Mapping[str, float]
    said: str = ""

    def weights_for(self, language: str) -> Mapping[str, float]:
        return self.weights if language == self.language else self.translated


def read(text: str, language: str, context: Sequence[Turn] = (), known: Mapping[str, str] | None = None) -> Question:
    """`known` are the short forms the documents explain."""
    return Question(
        text, language, _weights(text, language, context, known or {}), parts(text, language),
        _weights(bilingual.translate(words.written_out(text, language), language), OTHER[language], (), known or {}),
        _said(text, language, context),
    )


def _said(text: str, language: str, context: Sequence[Turn]) -> str:
    if not is_follow_up(text, words.question_stems(text, language)):
        return text
    return " . ".join([text, *(turn.text for turn, worth in _recent(context) if worth == USER_TURN)])


def _weights(text: str, language: str, context: Sequence[Turn], known: Mapping[str, str]) -> dict[str, float]:
    own = words.question_stems(text, language)
    share = (1.0 if is_follow_up(text, own) else OLD_TOPIC) if context else 0.0
    weights = dict.fromkeys(own, 1.0 + share * FRESH)
    for term in words.stems(acronyms.expansions(text, known), language):
        weights.setdefault(term, EXPANDED)
    for turn, worth in _recent(context):
        for term in words.question_stems(turn.text, language):
            if worth == USER_TURN or not term[0].isdigit():
                weights[term] = max(weights.get(term, 0.0), share * worth)
    return weights


def is_follow_up(text: str, own: Sequence[str]) -> bool:
    """Too short to stand alone, or it begins by continuing."""
    return len(own) < ENOUGH_ALONE or bool(_FOLLOWS.match(fold(text)))


def _recent(context: Sequence[Turn]) -> list[tuple[Turn, float]]:
    """The last thing each side said."""
    last_user = next((turn for turn in reversed(context) if turn.role == "user"), None)
    last_agent = next((turn for turn in reversed(context) if turn.role != "user"), None)
    return [(turn, worth) for turn, worth in ((last_user, USER_TURN), (last_agent, AGENT_TURN)) if turn]


def parts(text: str, language: str) -> tuple[frozenset[str], ...]:
    """Stems of each question in a message; one part when it asks one thing."""
    found = [frozenset(words.question_stems(piece, language)) for piece in _PARTS.split(fold(text)) if piece]
    asked = tuple(part for part in found if part)
    return asked if len(asked) > 1 else ()
