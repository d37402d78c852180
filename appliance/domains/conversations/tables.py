from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.core.db import Base, Rows, Sealed, SealedJson, SealedSentence, TenantOwned
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations.types import (
    MAX_MAIL,
    MAX_TEXT,
    ConversationStatus,
    Direction,
    DraftKind,
    Handling,
    LabelColour,
    MessageKind,
    MessageStatus,
    NoticeKind,
    Priority,
    PromiseEnd,
    PromiseKind,
    Sender,
    Topic,
)

_HAS_FAILED = text("status = 'failed'")
_IS_REACTION = text("kind = 'reaction'")


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
    """One thread with one address on one channel. `thread_key` is a keyed hash of the address, so it can be looked up.

    `told_of_person_at`: when its contact was last told that a person will come.
    `is_group`: its contact stands for a group. People answer there, no agent; nothing that one member says binds the others.
    `blocked_by_merge_id`: blocked since another thread of the merged person was; it ends with the merge.
    """

    __tablename__ = "conversations"

    contact_id: Mapped[UUID] = mapped_column(index=True)
    channel_id: Mapped[UUID]
    channel_kind: Mapped[str] = mapped_column(String(40))
    medium: Mapped[Medium]
    thread_key: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(Sealed())
    is_group: Mapped[bool] = mapped_column(default=False)
    moved_by_merge_id: Mapped[UUID | None]
    blocked_by_merge_id: Mapped[UUID | None]
    window_hours: Mapped[int | None]
    agent_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))
    status: Mapped[ConversationStatus] = mapped_column(default=ConversationStatus.OPEN)
    handling: Mapped[Handling] = mapped_column(default=Handling.BOT)
    priority: Mapped[Priority] = mapped_column(default=Priority.NORMAL)
    sla_due_at: Mapped[datetime | None]
    sla_warn_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    told_of_person_at: Mapped[datetime | None]
    handoff_reason: Mapped[str | None] = mapped_column(String(40))
    topic: Mapped[Topic | None]
    signals: Mapped[list[str]] = mapped_column(default=list)
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
        Index(
            "ix_conversations_inbox", "tenant_id", "status", "last_message_at", "id",
            "assignee_id", "handling", "waiting_since", "unread_count", "sla_due_at", "sla_warn_at",  # what the inbox counts
        ),
        Index("ix_conversations_mine", "tenant_id", "assignee_id", "last_message_at"),
        Index("ix_conversations_waiting", "waiting_since"),
        Index("ix_conversations_snoozed", "snoozed_until"),
        Index("ix_conversations_due", "tenant_id", "sla_due_at"),
    )

    @property
    def max_text(self) -> int:
        return MAX_MAIL if self.medium is Medium.EMAIL else MAX_TEXT


class Message(TenantOwned, Base):
    """`number` orders a conversation. An outbound row is the command to send; its id is the id we give the provider.

    `purpose`: what the contact must not have refused for it to leave; None for the one word that confirms a refusal.
    `earlier`: what it said before its writer changed or deleted it, oldest first: text, and until when.
    A reaction is a row of its own, `reply_to_id` names what it is to: sent as all are, seen beside that message, never in the list.
    """

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
    purpose: Mapped[Purpose | None]
    provider_message_id: Mapped[str | None] = mapped_column(String(255))
    reply_to_id: Mapped[UUID | None]
    answers_up_to: Mapped[int | None]
    topic: Mapped[Topic | None]
    signals: Mapped[list[str] | None]
    error_code: Mapped[str | None] = mapped_column(String(60))
    error: Mapped[str | None] = mapped_column(SealedSentence())
    attempts: Mapped[int] = mapped_column(default=0)
    send_after: Mapped[datetime | None]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    earlier: Mapped[list[dict[str, Any]] | None] = mapped_column(SealedJson())

    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        UniqueConstraint("channel_id", "provider_message_id"),
        Index("ix_messages_sending", "status", "created_at"),
        Index(
            "ix_messages_failed", "tenant_id", "conversation_id", "number", "kind",
            sqlite_where=_HAS_FAILED, postgresql_where=_HAS_FAILED,
        ),
        Index("ix_messages_reactions", "tenant_id", "reply_to_id", sqlite_where=_IS_REACTION, postgresql_where=_IS_REACTION),
    )


class KeptDraft(TenantOwned, Base):
    """What somebody has begun to write in a conversation: they alone see it, in whichever browser they open it."""

    __tablename__ = "drafts"
    __table_args__ = (UniqueConstraint("conversation_id", "user_id", "kind"),)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    kind: Mapped[DraftKind]
    text: Mapped[str] = mapped_column(Sealed())


class Sighting(TenantOwned, Base):
    """What became known of how a message was read: how often it was opened, which addresses in it were followed, both as far as a
    person did it; `by_programs`: fetches by programs. When it was opened first stands in the message.
    """

    __tablename__ = "message_sightings"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    opens: Mapped[int] = mapped_column(default=0)
    followed: Mapped[dict[str, int]] = mapped_column(SealedJson())
    by_programs: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]


class MessageWord(TenantOwned, Rows):
    """In which messages of a conversation a word stands. `term` is a keyed hash of its form: the database does not say which word."""

    __tablename__ = "message_words"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    numbers: Mapped[bytes]

    __table_args__ = (Index("ix_message_words_term", "tenant_id", "term", "conversation_id"), {"sqlite_with_rowid": False})


class KnownWord(TenantOwned, Rows):
    """A form of a word that stands in some message, once. `head` is a keyed hash of its first letters; `form` is filled up to one length,
    so that its size does not tell either.
    """

    __tablename__ = "known_words"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    head: Mapped[int] = mapped_column(BigInteger)
    form: Mapped[str] = mapped_column(Sealed())

    __table_args__ = (Index("ix_known_words_head", "tenant_id", "head"), {"sqlite_with_rowid": False})


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


class SavedView(TenantOwned, Base):
    """A combination of filters with a name, for its owner or shared. `filters` has the shape of schemas.ViewFilters."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_owner", "tenant_id", "owner_id"),)

    owner_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Sealed())
    filters: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    shared: Mapped[bool] = mapped_column(default=False)
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    place: Mapped[int]


class Notice(TenantOwned, Base):
    """Something in a conversation, or about a channel, that one person should look at."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_of_person", "tenant_id", "user_id", "created_at"),)

    user_id: Mapped[UUID]
    kind: Mapped[NoticeKind]
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[UUID | None] = mapped_column(index=True)
    message_id: Mapped[UUID | None]
    by_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]


class ConversationSummary(TenantOwned, Base):
    """What a language model wrote of a conversation up to that message, in one language; a newer message makes it worthless."""

    __tablename__ = "conversation_summaries"
    __table_args__ = (UniqueConstraint("conversation_id", "language"),)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(5))
    up_to_number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    engine: Mapped[str] = mapped_column(String(120))
    written_at: Mapped[datetime]


class SlaPolicy(TenantOwned, Base):
    """How long customers wait at most. Without channel or team it speaks for all. `targets` has the shape of schemas.Targets."""

    __tablename__ = "sla_policies"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(String(60))
    channel_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    targets: Mapped[dict[str, Any]]


class SlaPromise(TenantOwned, Base):
    """One thing a customer was promised by a time. `left_s`: working time still to go, while it is put aside.

    `tell_at`: when somebody has to be told of it next.
    """

    __tablename__ = "sla_promises"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    kind: Mapped[PromiseKind]
    priority: Mapped[Priority]
    minutes: Mapped[int]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    left_s: Mapped[int | None]
    tell_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end: Mapped[PromiseEnd | None]

    __table_args__ = (
        Index("ix_sla_promises_running", "tenant_id", "conversation_id", "ended_at"),
        Index("ix_sla_promises_ended", "tenant_id", "ended_at"),
        Index("ix_sla_promises_telling", "tell_at"),
    )


class SurveySetting(TenantOwned, Base):
    """Whether customers of a channel are asked how it was. No `question`: the box's own words."""

    __tablename__ = "survey_settings"
    __table_args__ = (UniqueConstraint("tenant_id", "channel_id"),)

    channel_id: Mapped[UUID]
    active: Mapped[bool] = mapped_column(default=True)
    question: Mapped[str] = mapped_column(String(300), default="")
    rest_days: Mapped[int]


class Survey(TenantOwned, Base):
    """A customer was asked how it was, once. `user_id` and `team_id`: who had the conversation then."""

    __tablename__ = "surveys"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID]
    message_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None]
    asked_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    score: Mapped[int | None]
    comment: Mapped[str] = mapped_column(Sealed(), default="")
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_surveys_asked", "tenant_id", "conversation_id", "asked_at"),
        Index("ix_surveys_answered", "tenant_id", "answered_at"),
    )
