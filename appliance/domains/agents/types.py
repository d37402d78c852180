from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from appliance.core.working_hours import ALWAYS, Calendar


class VersionState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Intent(StrEnum):
    GREETING = "greeting"
    THANKS = "thanks"
    FAREWELL = "farewell"
    IDENTITY = "identity"
    WANTS_PERSON = "wants_person"
    COMPLAINT = "complaint"
    PRIVACY = "privacy"
    NEGATIVE = "negative"
    PRICE = "price"
    PAYMENT = "payment"
    BUYING = "buying"
    TASK = "task"
    QUESTION = "question"


class Reason(StrEnum):
    """Why a conversation goes to people."""

    KEYWORD = "keyword"
    WANTS_PERSON = "wants_person"
    COMPLAINT = "complaint"
    PRIVACY = "privacy"
    NEGATIVE = "negative"
    PRICE = "price"
    PAYMENT = "payment"
    BUYING = "buying"
    TASK = "task"
    LOW_CONFIDENCE = "low_confidence"
    UNREADABLE = "unreadable"
    OUTSIDE_HOURS = "outside_hours"
    EMERGENCY = "emergency"
    GUARDRAIL = "guardrail"
    TOO_MANY_REPLIES = "too_many_replies"
    MODELS_AWAY = "models_away"
    LATE = "late"


class Outcome(StrEnum):
    SEND = "send"
    FALLBACK = "fallback"
    HAND_OFF = "hand_off"
    SILENCE = "silence"


class Expected(StrEnum):
    """What a question of an agent's set wants: the facts, an honest "I do not know", or a person."""

    ANSWER = "answer"
    UNKNOWN = "unknown"
    PERSON = "person"


class EvaluationState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"


@dataclass(frozen=True)
class Said:
    """One earlier or present message as the pipeline reads it. `is_unheard`: spoken, and nobody knows what."""

    by_contact: bool
    text: str
    is_spoken: bool = False
    is_unheard: bool = False


@dataclass(frozen=True)
class Policy:
    """An agent's settings as the rules read them."""

    language: str = "pt"
    company: str = ""
    sentences: Mapping[str, str] = field(default_factory=dict)
    confidence_floor: float = 0.0
    send_unsure: bool = True
    debounce_ms: int = 0
    forbidden_phrases: tuple[str, ...] = ()
    allowed_topics: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    to_person: frozenset[Intent] = frozenset({Intent.WANTS_PERSON, Intent.COMPLAINT, Intent.PRIVACY, Intent.TASK})
    after_fallbacks: int = 2
    max_recent_replies: int = 20
    calendar: Calendar = ALWAYS
    hand_off_when_closed: bool = False
    own_knowledge_only: bool = True
    model: str = ""
    voice: str = ""
    temperature: float = 0.2
    max_tokens: int = 300


@dataclass(frozen=True)
class Found:
    """What the documents said, as the rules read it."""

    text: str
    answered: bool
    confident: bool
    confidence: float
    emergency: str | None = None
    sources: tuple[Mapping[str, Any], ...] = ()
    engine: str = ""


@dataclass(frozen=True)
class Situation:
    """All that the pipeline knows when it is an agent's turn. Plain values: it can be replayed."""

    agent_id: UUID
    version: int
    policy: Policy
    unanswered: tuple[Said, ...]
    earlier: tuple[Said, ...]
    now: datetime
    up_to_number: int
    conversation_id: UUID | None = None
    message_id: UUID | None = None
    fallbacks_in_a_row: int = 0
    recent_replies: int = 0

    @classmethod
    def of_question(cls, agent_id: UUID, policy: tuple[int, Policy], said: Sequence[Said], now: datetime) -> Situation:
        """Asked outside of any conversation. The last thing said is the question; `policy` with its version."""
        return cls(agent_id, *policy, (said[-1],), tuple(said[:-1]), now, up_to_number=len(said))


@dataclass(frozen=True)
class TraceStep:
    """One step of the pipeline: what it looked at and what it said."""

    name: str
    verdict: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    took_ms: int = 0


@dataclass(frozen=True)
class Decision:
    """What to do: `text` is what the contact gets, also with a hand-off."""

    outcome: Outcome
    text: str = ""
    reason: Reason | None = None
    sources: tuple[Mapping[str, Any], ...] = ()
    confidence: float | None = None
    engine: str = ""


@dataclass(frozen=True)
class Composed:
    decision: Decision
    steps: tuple[TraceStep, ...]
    language: str


@dataclass(frozen=True)
class Grade:
    """`missing`: facts the answer should have had; `said`: what it should not have."""

    passed: bool
    missing: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


class Difference(NamedTuple):
    """A setting that is not the same in two versions. `field` is its path: `handoff.keywords`."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class FirstQuestion:
    text: str
    expected: Expected


@dataclass(frozen=True)
class Template:
    """An agent to start from. `settings` has the shape of schemas.AgentSettings; the questions hold for any company."""

    kind: str
    language: str
    name: str
    purpose: str
    settings: Mapping[str, Any]
    questions: tuple[FirstQuestion, ...]


class Speaker(StrEnum):
    """Who said something, as the team sees it. BOX: the product's own notices."""

    CONTACT = "contact"
    PERSON = "person"
    AGENT = "agent"
    BOX = "box"


class FactKind(StrEnum):
    ORDER = "order"
    AMOUNT = "amount"
    DATE = "date"
    TIME = "time"
    QUANTITY = "quantity"
    CODE = "code"
    CONTACT = "contact"
    LINK = "link"


class Mood(StrEnum):
    PLEASED = "pleased"
    CALM = "calm"
    WORRIED = "worried"
    UPSET = "upset"


@dataclass(frozen=True)
class Line:
    """One message of a conversation; `sources` are the names of the documents it was answered from."""

    number: int
    speaker: Speaker
    text: str
    at: datetime
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """What the contact asked for, in their words. `is_open`: nobody has answered since."""

    number: int
    text: str
    is_open: bool


@dataclass(frozen=True)
class Fact:
    """Something to hold on to, as it was written."""

    kind: FactKind
    text: str
    number: int


@dataclass(frozen=True)
class Quoted:
    """The gist of a message of ours."""

    number: int
    text: str
    speaker: Speaker
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Excerpt:
    """A conversation in its own words: nothing in it was written by a machine for the purpose."""

    since: datetime | None
    wishes: tuple[Wish, ...] = ()
    facts: tuple[Fact, ...] = ()
    answered: tuple[Quoted, ...] = ()
    promised: tuple[Quoted, ...] = ()


@dataclass(frozen=True)
class Written:
    """What a language model made of a conversation."""

    topic: str
    wants: str
    promised: tuple[str, ...]
    open: tuple[str, ...]
    mood: Mood


@dataclass(frozen=True)
class Summary:
    """`written` only where a language model wrote one of everything up to `up_to_number`; `engine` names it."""

    up_to_number: int
    excerpt: Excerpt
    written: Written | None = None
    engine: str = ""


class Language(StrEnum):
    """Into which a text is translated."""

    PORTUGUESE = "pt"
    ENGLISH = "en"
    SPANISH = "es"
    FRENCH = "fr"
    GERMAN = "de"
    ITALIAN = "it"


class Way(StrEnum):
    """What a language model may do with a text."""

    TRANSLATE = "translate"
    SHORTER = "shorter"
    FRIENDLIER = "friendlier"
    FORMAL = "formal"
