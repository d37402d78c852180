"""Conversations, their messages, and what is done with them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, field_validator, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import unpack
from appliance.core.web import PageQuery, Schema
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import (
    MAX_MAIL,
    ConversationStatus,
    Deadline,
    Direction,
    Handling,
    MessageKind,
    MessageStatus,
    Order,
    Priority,
    Sender,
    Signal,
    Topic,
)

LARGEST = 2**31 - 1  # what an integer column takes
LabelName = Annotated[str, StringConstraints(max_length=40)]


class ConversationOut(Schema):
    id: UUID
    contact_id: UUID
    channel_id: UUID
    channel_kind: str
    medium: Medium
    is_group: bool
    agent_id: UUID | None
    assignee_id: UUID | None
    team_id: UUID | None
    status: ConversationStatus
    handling: Handling
    priority: Priority
    sla_due_at: datetime | None
    sla_warn_at: datetime | None
    waiting_since: datetime | None
    handoff_reason: str | None
    topic: Topic | None
    signals: list[Signal]
    labels: list[str]
    opened_at: datetime
    last_message_at: datetime
    last_inbound_at: datetime | None
    first_response_at: datetime | None
    window_hours: int | None
    max_text: int = Field(description="Characters of a reply")
    last_number: int
    unread_count: int
    snoozed_until: datetime | None
    preview: str


class SourceOut(Schema):
    """What an answer was read from; fields are those of the knowledge domain's own sources."""

    model_config = ConfigDict(extra="allow", from_attributes=True)


class EarlierOut(Schema):
    """What a message said before its writer changed or deleted it."""

    text: str
    until: datetime


class MessageOut(Schema):
    id: UUID
    conversation_id: UUID
    number: int
    direction: Direction
    sender: Sender
    sender_id: UUID | None
    kind: MessageKind
    content: dict[str, Any] = Field(
        description="By kind: `text`, `media`, `choice` … A recording has a `transcript`: its `state` (waiting, written, failed), "
        "then `text` (empty: nobody speaks), `language`, `model`, `seconds`, `is_cut` (only its beginning), or the `error`"
    )
    sources: list[SourceOut] | None
    status: MessageStatus
    error_code: str | None = Field(description="Of a queued message too: why it waits, such as `not_connected`, `daily_limit`")
    error: str | None
    send_after: datetime | None = Field(None, description="When the channel gave it its turn")
    reply_to_id: UUID | None
    topic: Topic | None
    signals: list[Signal] | None
    attempts: int
    occurred_at: datetime
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    edited_at: datetime | None = None
    deleted_at: datetime | None = Field(None, description="Its writer took it back: nothing is shown of it")
    earlier: list[EarlierOut] | None = Field(None, exclude=True)

    @field_validator("content")
    @classmethod
    def _in_words(cls, content: dict[str, Any]) -> dict[str, Any]:
        parts = {name: content[name] for name in ("media", "transcript") if "error" in (content.get(name) or {})}
        return {**content, **{name: {**part, "error": unpack(part["error"])} for name, part in parts.items()}}


class SightingOut(Schema):
    """How a message was read, as far as its reader agreed to be told of. `followed`: addresses in it, and how often."""

    message_id: UUID
    opens: int = 0
    followed: dict[str, int] = Field(default_factory=dict)
    by_programs: int = Field(0, description="Fetched by programs, as scanners of mail providers: no sign of a reader")
    last_at: datetime | None = None


class ThreadOut(Schema):
    """`before` is the cursor for older messages, None when there are none."""

    items: list[MessageOut]
    before: int | None


class CountsOut(Schema):
    all: int
    mine: int
    unassigned: int
    waiting: int
    bot: int
    unread: int
    pending: int
    snoozed: int
    at_risk: int
    missed: int


class InboxQuery(PageQuery):
    status: ConversationStatus | None = None
    assignee: Literal["me", "none"] | UUID | None = None
    channel: UUID | None = None
    handling: Handling | None = None
    waiting: bool = False
    label: str = Field("", max_length=40)
    topic: Topic | None = None
    signal: Signal | None = None
    team: UUID | None = None
    priority: Priority | None = None
    deadline: Deadline | None = None
    order: Order = Order.NEWEST
    q: str = Field("", max_length=200)


class SearchQuery(PageQuery):
    q: str = Field(min_length=1, max_length=200)
    limit: int = Field(20, ge=1, le=50)


class PartOut(Schema):
    """A piece of the passage; `hit`: this is what was looked for."""

    text: str
    hit: bool


class FoundOut(Schema):
    conversation_id: UUID
    contact_id: UUID
    message_id: UUID
    number: int
    occurred_at: datetime
    parts: list[PartOut]
    others: int = Field(description="How many other messages of the conversation say it too")


class ReadQuery(Schema):
    shown: int | None = Field(None, ge=0, le=LARGEST, description="Number of the last message that was seen; later ones stay unread")


class ThreadQuery(Schema):
    before: int | None = Field(None, ge=1, le=LARGEST)
    after: int | None = Field(None, ge=0, le=LARGEST)
    limit: int = Field(50, ge=1, le=200)


class MediaIn(Schema):
    blob_id: UUID
    mime_type: str = Field(max_length=100)
    filename: str = Field("", max_length=240)


class TemplateIn(Schema):
    """`components` as the WhatsApp Cloud API documents them."""

    name: str = Field(min_length=1, max_length=512, pattern=r"^[a-z0-9_]+$")
    language: str = Field("pt_BR", max_length=15)
    components: list[dict[str, Any]] = Field(default_factory=list, max_length=20)


class ChoiceIn(Schema):
    id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=24)
    description: str = Field("", max_length=72)


class ListIn(Schema):
    button: str = Field(min_length=1, max_length=20)
    rows: list[ChoiceIn] = Field(min_length=1, max_length=10)


class ReplyIn(Schema):
    """Exactly one of: text alone, media (text is its caption), template, text with buttons, text with a list."""

    text: str = Field("", max_length=MAX_MAIL, description="At most `max_text` of the conversation")
    media: MediaIn | None = None
    template: TemplateIn | None = None
    buttons: list[ChoiceIn] = Field(default_factory=list, max_length=3)
    choices: ListIn | None = None
    reply_to_id: UUID | None = None

    @model_validator(mode="after")
    def _is_one_message(self) -> Self:
        parts = sum((self.media is not None, self.template is not None, bool(self.buttons), self.choices is not None))
        if parts > 1:
            raise ValueError(str(_("Send one thing at a time: text, media, a template, buttons or a list.")))
        titles = [button.title for button in self.buttons]
        if len(set(titles)) < len(titles):
            raise ValueError(str(_("Two buttons cannot have the same title.")))
        if not self.text and self.media is None and self.template is None:
            raise ValueError(str(_("Write something first.")))
        return self

    @property
    def kind(self) -> MessageKind:
        if self.media is not None:
            return media_kind(self.media.mime_type)
        if self.template is not None:
            return MessageKind.TEMPLATE
        if self.buttons:
            return MessageKind.BUTTONS
        return MessageKind.LIST if self.choices else MessageKind.TEXT

    def content(self) -> dict[str, Any]:
        """Without its file, which has to be claimed."""
        content: dict[str, Any] = {"text": self.text} if self.text else {}
        if self.template is not None:
            content["template"] = self.template.model_dump(mode="json")
        if self.buttons:
            content["buttons"] = [button.model_dump() for button in self.buttons]
        if self.choices is not None:
            content["list"] = self.choices.model_dump()
        return content


def media_kind(mime_type: str) -> MessageKind:
    kinds = {"image": MessageKind.IMAGE, "audio": MessageKind.AUDIO, "video": MessageKind.VIDEO}
    return kinds.get(mime_type.partition("/")[0], MessageKind.DOCUMENT)


class AttachmentOut(Schema):
    blob_id: UUID
    mime_type: str
    filename: str
    size: int


class AssignIn(Schema):
    user_id: UUID | None


class HandoffIn(Schema):
    """`to: me` takes the word from the bot (or, forced, from a colleague); `bot` gives it back; `team` asks for anyone."""

    to: Literal["me", "bot", "team"]
    force: bool = False


class NoteIn(Schema):
    text: str = Field(min_length=1, max_length=MAX_MAIL)


class LabelsIn(Schema):
    """A label that nobody made yet is made, in grey."""

    labels: list[LabelName] = Field(max_length=20)


class SnoozeIn(Schema):
    """Without a time until the contact writes."""

    until: AwareDatetime | None = None


class StateIn(Schema):
    """What a conversation was before something was done to it, to put it back."""

    labels: list[LabelName] = Field(max_length=20)
    assignee_id: UUID | None
    team_id: UUID | None = None
    priority: Priority = Priority.NORMAL
    handling: Handling
    status: ConversationStatus
    snoozed_until: AwareDatetime | None
