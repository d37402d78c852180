from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, TenantOwned
from appliance.domains.agents.types import EvaluationState, Expected, Outcome, VersionState


class Agent(TenantOwned, Base):
    __tablename__ = "agents"

    name: Mapped[str] = mapped_column(String(120))
    avatar: Mapped[str] = mapped_column(String(40), default="")
    active: Mapped[bool] = mapped_column(default=True)
    published_number: Mapped[int | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AgentVersion(TenantOwned, Base):
    """`settings` has the shape of schemas.AgentSettings. There is at most one draft; a published version never changes."""

    __tablename__ = "agent_versions"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[VersionState]
    settings: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(String(300), default="")
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("agent_id", "number"),)


class ReplyRun(TenantOwned, Base):
    """One turn of an agent: what it answered, or why it did not."""

    __tablename__ = "reply_runs"

    agent_id: Mapped[UUID] = mapped_column(index=True)
    version: Mapped[int]
    conversation_id: Mapped[UUID]
    message_id: Mapped[UUID] = mapped_column(index=True)
    reply_id: Mapped[UUID | None] = mapped_column(index=True)
    outcome: Mapped[Outcome]
    reason: Mapped[str | None] = mapped_column(String(40))
    confidence: Mapped[float | None]
    engine: Mapped[str] = mapped_column(String(40), default="")
    took_ms: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_reply_runs_of_conversation", "conversation_id", "created_at"),)


class ReplyStep(TenantOwned, Base):
    __tablename__ = "reply_steps"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("reply_runs.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    took_ms: Mapped[int]


class AgentQuestion(TenantOwned, Base):
    """One question an agent has to get right before it is published. `facts` have the shape rules.grading reads."""

    __tablename__ = "agent_questions"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Sealed())
    context: Mapped[Any] = mapped_column(SealedJson(), default=list)
    expected: Mapped[Expected]
    facts: Mapped[Any] = mapped_column(SealedJson(), default=list)
    forbidden: Mapped[Any] = mapped_column(SealedJson(), default=list)
    created_at: Mapped[datetime]


class Evaluation(TenantOwned, Base):
    """All questions put to one version. `settings` are those it was asked with: a draft may change meanwhile."""

    __tablename__ = "agent_evaluations"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    version: Mapped[int]
    settings: Mapped[dict[str, Any]]
    state: Mapped[EvaluationState] = mapped_column(default=EvaluationState.RUNNING)
    baseline_id: Mapped[UUID | None]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    passed: Mapped[int] = mapped_column(default=0)
    regressed: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_agent_evaluations_of_agent", "agent_id", "created_at"),)


class EvaluationResult(TenantOwned, Base):
    """`regressed`: it passed in the evaluation that this one is compared with."""

    __tablename__ = "agent_evaluation_results"

    evaluation_id: Mapped[UUID] = mapped_column(ForeignKey("agent_evaluations.id", ondelete="CASCADE"))
    question_id: Mapped[UUID]
    question: Mapped[str] = mapped_column(Sealed())
    text: Mapped[str] = mapped_column(Sealed())
    passed: Mapped[bool]
    regressed: Mapped[bool]
    missing: Mapped[Any] = mapped_column(SealedJson(), default=list)
    said: Mapped[Any] = mapped_column(SealedJson(), default=list)
    outcome: Mapped[Outcome]
    reason: Mapped[str | None] = mapped_column(String(40))
    took_ms: Mapped[int]

    __table_args__ = (UniqueConstraint("evaluation_id", "question_id"),)
