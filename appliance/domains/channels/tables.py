from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, Sentence, TenantOwned
from appliance.domains.channels.types import (
    SENDABLE,
    ChannelStatus,
    Charge,
    Ending,
    LinkState,
    MailKeyState,
    Quality,
    TemplateCategory,
    TemplateKind,
    TemplateStatus,
)


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
    status_detail: Mapped[str] = mapped_column(Sentence(), default="")
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
    problem: Mapped[str] = mapped_column(Sentence(), default="")


class MailKey(TenantOwned, Base):
    """What a channel's mails are signed with (DKIM). `seen_at`: the box saw its public half in the DNS of `domain`, under `selector`.

    One that was replaced keeps no private half.
    """

    __tablename__ = "channel_mail_keys"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"), index=True)
    domain: Mapped[str] = mapped_column(String(253))
    selector: Mapped[str] = mapped_column(String(40))
    state: Mapped[MailKeyState] = mapped_column(default=MailKeyState.NEW)
    private: Mapped[str] = mapped_column(Sealed())
    public: Mapped[str] = mapped_column(String(1000))
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        return f"v=DKIM1; k=rsa; p={self.public}"


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


class PostedMail(TenantOwned, Base):
    """A mail that another program handed over, stored as it came until it is read. `digest` is of its bytes: the same again is the same.

    `sender`: the address behind From; of one that came before there was this column, None.
    """

    __tablename__ = "channel_posted_mails"

    channel_id: Mapped[UUID]
    file_id: Mapped[UUID]
    digest: Mapped[str] = mapped_column(String(64))
    sender: Mapped[str | None] = mapped_column(Sealed())
    received_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("channel_id", "digest"), Index("ix_channel_posted_mails_received", "channel_id", "received_at"))


class WhatsappSession(TenantOwned, Base):
    """The link of one number to its phone. `wanted`: it is to be kept open. `store`: the library's file of keys, as text.

    `ending`, with a state that is not open: nobody tries any more. `leave_by`: until then the phone is to be told that we are gone.
    `asked_at`: when somebody last wanted it opened now.
    """

    __tablename__ = "whatsapp_sessions"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"), unique=True)
    wanted: Mapped[bool] = mapped_column(default=False, index=True)
    asked_at: Mapped[datetime | None]
    leave_by: Mapped[datetime | None] = mapped_column(index=True)
    state: Mapped[LinkState] = mapped_column(default=LinkState.NEW)
    ending: Mapped[Ending | None]
    code: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(Sentence(), default="")
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

    @property
    def leaving(self) -> bool:
        return self.leave_by is not None


class WhatsappGroup(TenantOwned, Base):
    """Who is in a group, as far as its number knows: of each the `phone`, the `lid`, the `name`."""

    __tablename__ = "whatsapp_groups"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    chat: Mapped[str] = mapped_column(String(80))
    members: Mapped[list[dict[str, str]]] = mapped_column(SealedJson(), default=list)

    __table_args__ = (UniqueConstraint("channel_id", "chat"),)


class WhatsappDay(TenantOwned, Base):
    """What a linked number did on one day: what its risk is judged by and its pace kept by. `left_out`: messages of groups."""

    __tablename__ = "whatsapp_days"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    day: Mapped[date]
    sent: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    reconnects: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)

    __table_args__ = (UniqueConstraint("channel_id", "day"),)


class MessageTemplate(TenantOwned, Base):
    """`channel_id` is NIL where a template belongs to no channel. `parts` has the shape of types.Parts, `sample` of types.Sample.

    `reported_at`: when the provider said what `status` is; what it said earlier and comes later is old.
    """

    __tablename__ = "message_templates"

    channel_id: Mapped[UUID]
    kind: Mapped[TemplateKind]
    name: Mapped[str] = mapped_column(String(512))
    language: Mapped[str] = mapped_column(String(15))
    category: Mapped[TemplateCategory]
    parts: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    sample: Mapped[dict[str, Any] | None] = mapped_column(SealedJson())
    status: Mapped[TemplateStatus]
    reason: Mapped[str] = mapped_column(Sentence(), default="")
    quality: Mapped[Quality] = mapped_column(default=Quality.UNRATED)
    provider_id: Mapped[str | None] = mapped_column(String(64))
    reported_at: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "channel_id", "kind", "name", "language"),
        Index("ix_message_templates_provider", "tenant_id", "provider_id"),
    )

    @property
    def is_sendable(self) -> bool:
        return self.status in SENDABLE and self.kind is not TemplateKind.PIECE


class MessagePrice(TenantOwned, Base):
    """One line of an organisation's own list of prices; without any, the list that came with the box holds."""

    __tablename__ = "message_prices"

    country: Mapped[str] = mapped_column(String(2))
    charge: Mapped[Charge]
    valid_from: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3))
    micros: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (UniqueConstraint("tenant_id", "country", "charge", "valid_from"),)


class MessageCharge(TenantOwned, Base):
    """One message that a provider may charge for. `is_told`: the provider said what it is; else the box expects it.

    `day` is the company's.
    """

    __tablename__ = "message_charges"

    message_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    day: Mapped[date]
    charge: Mapped[Charge]
    country: Mapped[str] = mapped_column(String(2))
    is_billable: Mapped[bool]
    is_told: Mapped[bool]

    __table_args__ = (UniqueConstraint("tenant_id", "message_id"), Index("ix_message_charges_day", "tenant_id", "day"))
