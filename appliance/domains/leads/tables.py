from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, TenantOwned
from appliance.domains.leads.types import LeadStatus, SourceKind

_IS_NO_LEAD = text("lead_id IS NULL")


class LeadSource(TenantOwned, Base):
    """Where leads come from. `mapping`: field of a lead -> path in the payload; what is not in it is guessed.

    `confirm_by`: the mailbox by which a yes to e-mail has to be confirmed before it counts.
    """

    __tablename__ = "lead_sources"

    kind: Mapped[SourceKind]
    name: Mapped[str] = mapped_column(String(120))
    secrets: Mapped[dict[str, str]] = mapped_column(SealedJson())
    mapping: Mapped[dict[str, str]] = mapped_column(default=dict)
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what only this kind needs, nothing secret
    tags: Mapped[list[str]] = mapped_column(default=list)  # put on everybody who comes through it
    active: Mapped[bool] = mapped_column(default=True)
    dedupe_hours: Mapped[int] = mapped_column(default=24)
    confirm_by: Mapped[UUID | None]
    created_at: Mapped[datetime]

    @property
    def secrets_set(self) -> list[str]:
        return sorted(self.secrets)

    @property
    def form(self) -> dict[str, Any] | None:
        return self.config if self.kind is SourceKind.FORM else None


class Lead(TenantOwned, Base):
    """One person's interest. What the same person sends again through the same source within its window is the same lead."""

    __tablename__ = "leads"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"))
    contact_id: Mapped[UUID]
    external_id: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[LeadStatus] = mapped_column(default=LeadStatus.NEW)
    score: Mapped[int | None]
    utm: Mapped[dict[str, str]] = mapped_column(default=dict)
    captured_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    converted_at: Mapped[datetime | None]
    times: Mapped[int] = mapped_column(default=1)  # how often it came
    moved_by_merge_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_leads_newest", "tenant_id", "captured_at", "id"),
        Index("ix_leads_status", "tenant_id", "status", "captured_at", "id"),
        Index("ix_leads_source", "source_id", "contact_id", "captured_at"),
        Index("ix_leads_contact", "contact_id", "captured_at"),
    )


class LeadImport(TenantOwned, Base):
    """A file of people who also become leads of a source. `id` is the mark under which one run of it tells who came.

    The numbers of a dry run say what would have happened.
    """

    __tablename__ = "lead_imports"

    import_id: Mapped[UUID] = mapped_column(unique=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id", ondelete="CASCADE"), index=True)
    dry_run: Mapped[bool]
    new_leads: Mapped[int] = mapped_column(default=0)
    repeated_leads: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class LeadEvent(TenantOwned, Base):
    """What came, as it came. One that was taken has the digest of the sender's own id for it as `event_key`, and waits until it is a lead.

    `reason`: why none came of it; it is then kept for a while. What was refused at the door has no `event_key` and uses nothing up.
    """

    __tablename__ = "lead_events"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id", ondelete="CASCADE"))
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str | None] = mapped_column(String(60))
    event_key: Mapped[str | None] = mapped_column(String(64))
    nonce: Mapped[str | None] = mapped_column(String(120))
    signature: Mapped[str | None] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Sealed())
    received_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("source_id", "event_key"),
        UniqueConstraint("source_id", "nonce"),
        UniqueConstraint("source_id", "signature"),
        Index("ix_lead_events_open", "source_id", "reason", "received_at", "id", sqlite_where=_IS_NO_LEAD, postgresql_where=_IS_NO_LEAD),
    )

    @property
    def can_be_retried(self) -> bool:
        """Nothing was wrong with who sent it."""
        return self.reason is not None and self.event_key is not None
