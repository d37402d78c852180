from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, SealedJson, TenantOwned
from appliance.domains.agents.types import Outcome, VersionState


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
