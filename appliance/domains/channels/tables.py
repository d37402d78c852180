from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, TenantOwned
from appliance.domains.channels.types import ChannelStatus


class Channel(TenantOwned, Base):
    """`external_id` is the provider's name for our end (a phone number id): unique, so a webhook finds its way.

    `config` holds its settings that are no secret.
    """

    __tablename__ = "channels"

    kind: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    external_id: Mapped[str] = mapped_column(String(120))
    config: Mapped[dict[str, Any]]
    secrets: Mapped[dict[str, str]] = mapped_column(SealedJson())
    agent_id: Mapped[UUID | None]
    active: Mapped[bool] = mapped_column(default=True)
    status: Mapped[ChannelStatus] = mapped_column(default=ChannelStatus.NEW)
    status_detail: Mapped[str] = mapped_column(String(500), default="")
    verified_at: Mapped[datetime | None]
    per_second: Mapped[float | None]
    next_slot_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    paused_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("kind", "external_id"),)

    @property
    def secrets_set(self) -> list[str]:
        return sorted(self.secrets)


class Envelope(TenantOwned, Base):
    """Webhooks taken together, as they came. Gone in the transaction that stores what they say."""

    __tablename__ = "channel_envelopes"

    channel_id: Mapped[UUID]
    bodies: Mapped[list[str]] = mapped_column(SealedJson())
    received_at: Mapped[datetime]

    __table_args__ = (Index("ix_channel_envelopes_oldest", "channel_id", "received_at"),)


class RejectedEvent(TenantOwned, Base):
    """A webhook, or a part of one, that could not be used: kept for a while so that nothing is lost."""

    __tablename__ = "channel_rejected_events"

    channel_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(Sealed())
    received_at: Mapped[datetime]

    __table_args__ = (Index("ix_channel_rejected_events_received", "tenant_id", "received_at"),)
