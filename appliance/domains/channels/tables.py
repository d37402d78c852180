from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, TenantOwned
from appliance.domains.channels.types import ChannelStatus, Ending, LinkState


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


class Mailbox(TenantOwned, Base):
    """How far a channel's mailbox is read. `source` names the folder that the numbers belong to; `problem` says why nothing comes in."""

    __tablename__ = "channel_mailboxes"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"), unique=True)
    source: Mapped[str] = mapped_column(String(64))
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)
    looked_at: Mapped[datetime]
    last_mail_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(String(500), default="")


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


class WhatsappSession(TenantOwned, Base):
    """The link of one number to its phone. `wanted`: it is to be kept open. `store`: the library's file of keys, as text.

    `ending`, with a state that is not open: nobody tries any more. `leaving`: the phone is to be told that we are gone.
    """

    __tablename__ = "whatsapp_sessions"

    channel_id: Mapped[UUID] = mapped_column(unique=True)
    wanted: Mapped[bool] = mapped_column(default=False, index=True)
    leaving: Mapped[bool] = mapped_column(default=False, index=True)
    state: Mapped[LinkState] = mapped_column(default=LinkState.NEW)
    ending: Mapped[Ending | None]
    code: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(String(300), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    qr: Mapped[str | None] = mapped_column(Sealed())
    qr_number: Mapped[int] = mapped_column(default=0)
    qr_seconds: Mapped[int] = mapped_column(default=0)
    qr_until: Mapped[datetime | None]
    pairing_phone: Mapped[str | None] = mapped_column(Sealed())
    pairing_code: Mapped[str | None] = mapped_column(Sealed())
    jid: Mapped[str | None] = mapped_column(Sealed())
    lid: Mapped[str | None] = mapped_column(Sealed())
    push_name: Mapped[str | None] = mapped_column(Sealed())
    linked_at: Mapped[datetime | None]
    connected_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    store: Mapped[str | None] = mapped_column(Sealed(), deferred=True)
    stored_at: Mapped[datetime | None]
    accepted_by_id: Mapped[UUID | None]
    accepted_by: Mapped[str | None] = mapped_column(Sealed())
    accepted_at: Mapped[datetime | None]
    accepted_version: Mapped[int | None]

    @property
    def is_linked(self) -> bool:
        return self.linked_at is not None


class WhatsappDay(TenantOwned, Base):
    """What a linked number did on one day: what its risk is judged by and its pace kept by."""

    __tablename__ = "whatsapp_days"

    channel_id: Mapped[UUID]
    day: Mapped[date]
    sent: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    reconnects: Mapped[int] = mapped_column(default=0)

    __table_args__ = (UniqueConstraint("channel_id", "day"),)
