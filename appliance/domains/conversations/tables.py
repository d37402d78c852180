from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.core.db import Base, Rows, Sealed, SealedJson, TenantOwned
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import (
    ConversationStatus,
    Direction,
    Handling,
    LabelColour,
    MessageKind,
    MessageStatus,
    NoticeKind,
    Sender,
)


class TeamMember(TenantOwned, Base):
    """`given_at`: when the last conversation was dealt to them."""

    __tablename__ = "team_members"
    __table_args__ = (UniqueConstraint("team_id", "user_id"),)

    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    given_at: Mapped[datetime | None]


class Team(TenantOwned, Base):
    """People who share conversations. `deals`: each goes to one of those present; `takes_handoffs`: what the bot gives up comes here."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(60))
    deals: Mapped[bool] = mapped_column(default=True)
    takes_handoffs: Mapped[bool] = mapped_column(default=False)
    members: Mapped[list[TeamMember]] = relationship(lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True)


class Conversation(TenantOwned, Base):
    """One thread with one address on one channel. `thread_key` is a keyed hash of the address, so it can be looked up."""

    __tablename__ = "conversations"

    contact_id: Mapped[UUID] = mapped_column(index=True)
    channel_id: Mapped[UUID]
    channel_kind: Mapped[str] = mapped_column(String(40))
    medium: Mapped[Medium]
    thread_key: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(Sealed())
    moved_by_merge_id: Mapped[UUID | None]
    window_hours: Mapped[int | None]
    agent_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))
    status: Mapped[ConversationStatus] = mapped_column(default=ConversationStatus.OPEN)
    handling: Mapped[Handling] = mapped_column(default=Handling.BOT)
    waiting_since: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    handoff_reason: Mapped[str | None] = mapped_column(String(40))
    labels: Mapped[list[str]] = mapped_column(default=list)
    opened_at: Mapped[datetime]
    last_message_at: Mapped[datetime]
    last_inbound_at: Mapped[datetime | None]
    first_response_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    last_number: Mapped[int] = mapped_column(default=0)
    answered_number: Mapped[int] = mapped_column(default=0)
    unread_count: Mapped[int] = mapped_column(default=0)
    preview: Mapped[str] = mapped_column(Sealed(), default="")

    __table_args__ = (
        UniqueConstraint("channel_id", "thread_key"),
        Index("ix_conversations_inbox", "tenant_id", "status", "last_message_at"),
        Index("ix_conversations_mine", "tenant_id", "assignee_id", "last_message_at"),
        Index("ix_conversations_waiting", "waiting_since"),
        Index("ix_conversations_snoozed", "snoozed_until"),
    )


class Message(TenantOwned, Base):
    """`number` orders a conversation. An outbound row is the command to send; its id is the id we give the provider."""

    __tablename__ = "messages"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID]
    number: Mapped[int]
    direction: Mapped[Direction]
    sender: Mapped[Sender]
    sender_id: Mapped[UUID | None]
    kind: Mapped[MessageKind]
    content: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    sources: Mapped[list[dict[str, Any]] | None] = mapped_column(SealedJson())
    status: Mapped[MessageStatus]
    provider_message_id: Mapped[str | None] = mapped_column(String(255))
    reply_to_id: Mapped[UUID | None]
    answers_up_to: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(String(60))
    error: Mapped[str | None] = mapped_column(Sealed())
    attempts: Mapped[int] = mapped_column(default=0)
    send_after: Mapped[datetime | None]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        UniqueConstraint("channel_id", "provider_message_id"),
        Index("ix_messages_sending", "status", "created_at"),
    )


class MessageWord(TenantOwned, Rows):
    """In which messages of a conversation a word stands. `term` is a keyed hash of it: the database does not say which word."""

    __tablename__ = "message_words"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    numbers: Mapped[bytes]

    __table_args__ = (Index("ix_message_words_term", "tenant_id", "term", "conversation_id"), {"sqlite_with_rowid": False})


class Label(TenantOwned, Base):
    """A word that conversations are filed under; they hold its name."""

    __tablename__ = "labels"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(40))
    colour: Mapped[LabelColour] = mapped_column(default=LabelColour.GREY)


class QuickReply(TenantOwned, Base):
    """A text that stands ready behind `/shortcut`; what is between braces is filled in for each conversation."""

    __tablename__ = "quick_replies"
    __table_args__ = (UniqueConstraint("tenant_id", "shortcut"),)

    shortcut: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Sealed())


class Macro(TenantOwned, Base):
    """Several steps in one go. `steps` has the shape of schemas.MacroSteps."""

    __tablename__ = "macros"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(60))
    steps: Mapped[dict[str, Any]] = mapped_column(SealedJson())


class Notice(TenantOwned, Base):
    """Something in a conversation that one person should look at."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_of_person", "tenant_id", "user_id", "created_at"),)

    user_id: Mapped[UUID]
    kind: Mapped[NoticeKind]
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[UUID | None]
    by_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
