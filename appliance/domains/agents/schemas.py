from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, field_validator

from appliance.core.i18n import unpack
from appliance.core.web import PageQuery, Schema
from appliance.core.working_hours import Calendar
from appliance.domains.agents.types import EvaluationState, Expected, Intent, Outcome, Said, VersionState
from appliance.domains.identity.schemas import Timezone, WorkSpan, spans_of

Phrase = Annotated[str, StringConstraints(min_length=2, max_length=120)]
LARGEST = 2**31 - 1  # what an integer column takes


class Hours(Schema):
    """`spans`, in `timezone`, are where this agent's people keep other hours than the organisation; none: they do not."""

    timezone: Timezone = "America/Sao_Paulo"
    spans: list[WorkSpan] = Field(default_factory=list, max_length=50)
    when_closed: Literal["answer", "hand_off"] = "answer"

    def over(self, general: Calendar) -> Calendar:
        """Days off are everybody's."""
        return replace(general, zone=ZoneInfo(self.timezone), spans=spans_of(self.spans)) if self.spans else general


class Guardrails(Schema):
    """`forbidden_phrases` never leave the box in an answer; a `price` or `payment` question can go to people instead."""

    forbidden_phrases: list[Phrase] = Field(default_factory=list, max_length=200)
    allowed_topics: list[Phrase] = Field(default_factory=list, max_length=200)
    price_to_person: bool = False
    payment_to_person: bool = False


class HandoffRules(Schema):
    keywords: list[Phrase] = Field(default_factory=list, max_length=200)
    on_request: bool = True
    on_complaint: bool = True
    on_negative: bool = False
    on_buying: bool = True
    after_fallbacks: int = Field(2, ge=0, le=10, description="Unanswered turns in a row before a person is called; 0: never")
    max_replies_in_10_minutes: int = Field(20, ge=1, le=200)


class AgentSettings(Schema):
    role: str = Field("", max_length=8000)
    persona: str = Field("", max_length=2000)
    language: Literal["pt", "en"] = "pt"
    greeting: str = Field("", max_length=1000)
    identity: str = Field("", max_length=1000, description="What it says when asked whether it is a robot")
    fallback: str = Field("", max_length=1000)
    handoff_notice: str = Field("", max_length=1000)
    purpose_notice: str = Field("", max_length=1000, description="To who wants to buy, asks a price or says a keyword")
    closed_notice: str = Field("", max_length=1000, description="{when} stands for the next opening")
    model: str = Field("", max_length=120)
    temperature: float = Field(0.2, ge=0, le=2)
    max_tokens: int = Field(300, ge=16, le=4000)
    confidence_floor: float = Field(0.0, ge=0, le=1)
    unsure: Literal["send", "fallback"] = "send"
    knowledge: Literal["agent", "all"] = "agent"
    debounce_ms: int = Field(1500, ge=0, le=30_000)
    guardrails: Guardrails = Guardrails()
    handoff: HandoffRules = HandoffRules()
    hours: Hours = Hours()


class AgentIn(Schema):
    name: str = Field(min_length=1, max_length=120)
    avatar: str = Field("", max_length=40)
    settings: AgentSettings = AgentSettings()


class TemplateOut(Schema):
    kind: str
    language: str
    name: str
    purpose: str
    settings: AgentSettings


class TemplateQuery(Schema):
    language: Literal["pt", "en"] = "pt"


class FromTemplateIn(Schema):
    """`name` empty: the template's."""

    kind: str = Field(min_length=1, max_length=40)
    language: Literal["pt", "en"] = "pt"
    name: str = Field("", max_length=120)


class AgentPatch(Schema):
    """`settings` replace the draft's; the published version keeps answering until a draft is published."""

    name: str = Field("", min_length=1, max_length=120)
    avatar: str = Field("", max_length=40)
    active: bool = True
    settings: AgentSettings | None = None


class AgentOut(Schema):
    id: UUID
    name: str
    avatar: str
    active: bool
    published_number: int | None
    created_at: datetime
    changed_at: datetime


class VersionOut(Schema):
    id: UUID
    agent_id: UUID
    number: int
    state: VersionState
    settings: AgentSettings
    note: str
    created_by: UUID | None
    created_at: datetime
    published_at: datetime | None


class AgentDetailOut(AgentOut):
    published: VersionOut | None
    draft: VersionOut | None


class PublishIn(Schema):
    """`anyway` publishes a draft that has not passed its questions."""

    note: str = Field("", max_length=300)
    anyway: bool = False


class RollbackIn(Schema):
    number: int = Field(ge=1, le=LARGEST)


class DifferenceOut(Schema):
    field: str
    before: Any
    after: Any


class DiffQuery(Schema):
    before: int = Field(ge=1, le=LARGEST)
    after: int = Field(ge=1, le=LARGEST)


class TurnIn(Schema):
    role: Literal["contact", "agent"]
    text: str = Field(max_length=8000)


class Asked(Schema):
    question: str = Field(min_length=1, max_length=4096)
    context: list[TurnIn] = Field(default_factory=list, max_length=20)

    @property
    def said(self) -> list[Said]:
        return [*(Said(turn.role == "contact", turn.text) for turn in self.context), Said(by_contact=True, text=self.question)]


class TestIn(Asked):
    version: Literal["draft", "published"] = "draft"
    stream: bool = False


class StepOut(Schema):
    name: str
    verdict: str
    detail: dict[str, Any]
    took_ms: int

    @field_validator("detail")
    @classmethod
    def _in_words(cls, detail: dict[str, Any]) -> dict[str, Any]:
        return {**detail, "error": unpack(detail["error"])} if "error" in detail else detail


class Decided(Schema):
    """`outcome` is send, fallback (it does not know), hand_off (a person should answer) or silence."""

    outcome: Outcome
    reason: str | None
    confidence: float | None
    engine: str
    took_ms: int


class TestOut(Decided):
    text: str
    sources: list[dict[str, Any]]
    intents: list[Intent]
    steps: list[StepOut]


class RunLineOut(Decided):
    id: UUID
    version: int
    conversation_id: UUID
    message_id: UUID
    reply_id: UUID | None
    created_at: datetime


class RunOut(RunLineOut):
    agent_id: UUID
    steps: list[StepOut]


Fact = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class QuestionIn(Asked):
    """`facts` all have to be in the answer, `forbidden` must not; `30 days | one month` takes either."""

    expected: Expected = Expected.ANSWER
    facts: list[Fact] = Field(default_factory=list, max_length=20)
    forbidden: list[Fact] = Field(default_factory=list, max_length=20)


class QuestionOut(QuestionIn):
    id: UUID
    agent_id: UUID
    created_at: datetime


class EvaluationOut(Schema):
    """`regressed` counts what passed in the evaluation `baseline_id` and does not any more."""

    id: UUID
    agent_id: UUID
    version: int
    state: EvaluationState
    baseline_id: UUID | None
    total: int
    done: int
    passed: int
    regressed: int
    created_at: datetime
    finished_at: datetime | None


class ResultOut(Schema):
    question_id: UUID
    question: str
    text: str
    passed: bool
    regressed: bool
    missing: list[str]
    said: list[str]
    outcome: Outcome
    reason: str | None
    took_ms: int


class EvaluationDetailOut(EvaluationOut):
    results: list[ResultOut]


class AskIn(Asked):
    agent_id: UUID


class AskOut(Decided):
    agent_id: UUID
    version: int
    answer: str
    sources: list[dict[str, Any]]


class LogsQuery(PageQuery):
    agent_id: UUID


class FiguresQuery(Schema):
    days: int = Field(30, ge=1, le=366)


class FiguresOut(Schema):
    """`deflection`: the share of conversations that no person was called to; null while there was none."""

    conversations: int
    turns: int
    sent: int
    fallbacks: int
    hand_offs: int
    silent: int
    deflection: float | None
    reasons: dict[str, int]
    mean_ms: int
    p95_ms: int


class AgentStatusOut(Schema):
    """`answers` false: whoever writes to it is handed to people. `documents` is how many it may read."""

    agent_id: UUID
    name: str
    active: bool
    published_number: int | None
    draft_number: int | None
    answers: bool
    documents: int
    models_ready: bool
    models_reason: str
    engine: str
    turns_today: int
    last_turn_at: datetime | None
    last_outcome: Outcome | None


class SuggestionOut(Schema):
    """What a person could answer; no text where the documents say nothing."""

    text: str
    confident: bool
    confidence: float
    sources: list[dict[str, Any]]
    engine: str
