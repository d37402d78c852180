"""What a customer asks for: follow-ups read with what was said before, several questions in one message."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from appliance.domains.knowledge.rules import acronyms, bilingual, wants, words
from appliance.domains.knowledge.rules.wants import Want
from appliance.domains.knowledge.rules.words import fold

LONGEST_QUESTION = 4000
TOPIC, PASSING, AGENT_TURN = 1.0, 0.4, 0.3
SAID, FRESH, EXPANDED = 1.0, 1.0, 0.5
OTHER = {"pt": "en", "en": "pt"}
CHAIN = 3
ENOUGH_ALONE = 4
LONGEST_CONTINUED, LONGEST_POINTING = 6, 3
_FOLLOWS = re.compile(r"^\W*(?:e|t[aá] e|mas e|mas|ent[aã]o|and|what about|how about|but)\b")
_IDLE = re.compile(r"\ba partir d[aeo]s?\b|\b(?:(?:que|q) )?(?:me )?sobr(?:ou|aram)\b")
_POINTS = re.compile(r"\b(?:el[ea]s?|del[ea]s?|nel[ea]s?|iss[oa]|diss[oa]|niss[oa]|ess[ea]s?|dess[ea]s?|ness[ea]s?|this|that|these|those|it|its|them|they)\b")
_MEASURED = {
    "pt": "custa custo preco valor taxa prazo demora demorar tempo horas hora horario dia dias mes meses ano anos vezes qual quanto parcelado"
          " desconto vista minimo maximo mesmo certeza entao depende",
    "en": "cost costs price fee value long time hours day days month months year years discount minimum maximum sure",
}
_PARTS = re.compile(r"[?!;]+\s+|\n+|\s+(?:e|and)\s+(?=(?:o|a|os|as|se|tambem|tem|da|pode|posso|voces|fazem|aceitam|precisa|qual|quanto|quantos|quantas|onde|quando|como|what|how|where|when|is|do|does)\b)|,\s+(?=(?:qual|quanto|quantos|onde|quando|como|what|how|where|when)\b)")


@dataclass(frozen=True, slots=True)
class Turn:
    """`role` is `user` or `agent`."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """`weights` by stem, for each language that documents are in. `parts` are the stems of each question in the message.

    `said` is the message with what it continues: amounts named a turn ago still hold, and `wanted`, the kind of fact asked for then.
    """

    text: str
    language: str
    weights: Mapping[str, float]
    parts: tuple[tuple[str, ...], ...]
    translated: Mapping[str, float]
    said: str = ""
    wanted: frozenset[Want] = frozenset()

    def weights_for(self, language: str) -> Mapping[str, float]:
        return self.weights if language == self.language else self.translated


def read(text: str, language: str, context: Sequence[Turn] = (), known: Mapping[str, str] | None = None) -> Question:
    """`known` are the short forms the documents explain. What lies beyond LONGEST_QUESTION is not read."""
    text = text[:LONGEST_QUESTION]
    context = [Turn(turn.role, turn.text[:LONGEST_QUESTION]) for turn in context]
    said = _recent(context, language)
    asked = [text, *(earlier for earlier, worth in said if worth != AGENT_TURN)]

    def translated(piece: str) -> str:
        return bilingual.translate(words.written_out(piece, language), language)

    return Question(
        text, language, _weights(text, language, said, known or {}), parts(text, language),
        _weights(translated(text), OTHER[language], [(translated(earlier), worth) for earlier, worth in said], known or {}),
        " . ".join(asked), next(filter(None, (wants.wanted(words.written_out(one, language)) for one in asked)), frozenset()),
    )


def _weights(text: str, language: str, said: Sequence[tuple[str, float]], known: Mapping[str, str]) -> dict[str, float]:
    own = words.question_stems(_IDLE.sub(" ", fold(text)), language)
    weights = dict.fromkeys(own, SAID + (FRESH if said else 0.0))
    for term in words.stems(acronyms.expansions(text, known), language):
        weights.setdefault(term, EXPANDED)
    for earlier, worth in said:
        for term in words.question_stems(earlier, language):
            if worth != AGENT_TURN or not term[0].isdigit():
                weights[term] = max(weights.get(term, 0.0), worth)
    return weights


def continues(text: str, language: str) -> bool:
    """It cannot be understood without what was said before: it begins by continuing, points back, or names no thing of its own."""
    folded = words.written_out(text, language).strip()
    own = words.question_stems(text, language)
    if _FOLLOWS.match(text.lower()) and len(own) <= LONGEST_CONTINUED:
        return True
    if _POINTS.search(folded) and len(own) <= LONGEST_POINTING:
        return True
    return names_nothing(own, language) and Want.ADDRESS not in wants.wanted(folded)


def in_context(text: str, language: str, context: Sequence[Turn]) -> str:
    """One line: the question. Of one that continues others, those stand above it, the oldest first."""
    said = _recent(context, language) if continues(text, language) else []
    lines = [text, *(earlier for earlier, worth in said if worth != AGENT_TURN)]
    return "\n".join(" ".join(line.split()) for line in reversed(lines))


def out_of_context(kept: str) -> tuple[str, list[Turn]]:
    """What `in_context` made, ready to be asked again."""
    *earlier, text = kept.split("\n")
    return text, [Turn("user", line) for line in earlier]


def names_nothing(stems: Iterable[str], language: str) -> bool:
    """Only what is measured (price, time) and figures, of no thing in particular."""
    return all(term in _measures(language) or term[0].isdigit() for term in stems)


def may_continue(text: str, language: str) -> bool:
    """Short enough that it may lean on what was said, when it finds nothing alone."""
    return len(words.question_stems(text, language)) < ENOUGH_ALONE


@lru_cache(maxsize=4)
def _measures(language: str) -> frozenset[str]:
    return frozenset(words.stem(word, language) for word in _MEASURED[language].split())


def _recent(context: Sequence[Turn], language: str) -> list[tuple[str, float]]:
    """What the contact asked, back to a question that stands alone and names the topic, and the last thing we said of it."""
    asked = [turn.text for turn in context if turn.role == "user" and words.question_stems(turn.text, language)]
    said: list[tuple[str, float]] = []
    for earlier in reversed(asked[-CHAIN:]):
        stands_alone = not continues(earlier, language)
        said.append((earlier, TOPIC if stands_alone else PASSING))
        if stands_alone:
            break
    last_agent = next((turn.text for turn in reversed(context) if turn.role != "user"), None)
    topic = {term for earlier, _ in said for term in words.question_stems(earlier, language)}
    return [*said, *([(last_agent, AGENT_TURN)] if last_agent and topic.intersection(words.stems(last_agent, language)) else [])]


def parts(text: str, language: str) -> tuple[tuple[str, ...], ...]:
    """Stems of each question in a message, in order; none when it asks one thing."""
    found = [tuple(dict.fromkeys(words.question_stems(piece, language))) for piece in _PARTS.split(fold(text)) if piece]
    asked = tuple(part for part in found if part)
    return asked if len(asked) > 1 else ()
