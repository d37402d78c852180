from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, BigId, Json, Sentence
from appliance.domains.ops.types import RunKind, RunState


class BackupRun(Base):
    """Of the box, not of an organisation. Not part of a backup itself. `lease_until`: whoever runs it says so again and again."""

    __tablename__ = "backup_runs"

    kind: Mapped[RunKind]
    target: Mapped[str] = mapped_column(String(120))
    state: Mapped[RunState]
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    set_id: Mapped[str | None] = mapped_column(String(40))
    bytes_processed: Mapped[int | None] = mapped_column(BigId)
    bytes_added: Mapped[int | None] = mapped_column(BigId)
    row_count: Mapped[int | None] = mapped_column(BigId)
    file_count: Mapped[int | None] = mapped_column(BigId)
    receipt: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[str | None] = mapped_column(Sentence())

    __table_args__ = (Index("ix_backup_runs_target", "target", "kind", "state", "asked_at"),)
