from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import PageQuery, Schema
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.rules import filling
from appliance.domains.conversations.types import (
    ConversationStatus,
    Direction,
    Handling,
    LabelColour,
    MessageKind,
    MessageStatus,
    NoticeKind,
    Presence,
    Sender,
)

LARGEST = 2**31 - 1  # what an integer column takes
MAX_TEXT = 4096  # the Cloud API's limit for a text body
LabelName = Annotated[str, StringConstraints(max_length=40)]


class ConversationOut(Schema):
    id: UUID
    contact_id: UUID
    channel_id: UUID
    channel_kind: str
    medium: Medium
    agent_id: UUID | None
    assignee_id: UUID | None
    team_id: UUID | None
    status: ConversationStatus
    handling: Handling
    waiting_since: datetime | None
    handoff_reason: str | None
    labels: list[str]
    opened_at: datetime
    last_message_at: datetime
    last_inbound_at: datetime | None
    first_response_at: datetime | None
    window_hours: int | None
    last_number: int
    unread_count: int
    snoozed_until: datetime | None
    preview: str


class SourceOut(Schema):
    """What an answer was read from; fields are those of the knowledge domain's own sources."""

    model_config = ConfigDict(extra="allow", from_attributes=True)


class MessageOut(Schema):
    id: UUID
    conversation_id: UUID
    number: int
    direction: Direction
    sender: Sender
    sender_id: UUID | None
    kind: MessageKind
    content: dict[str, Any]
    sources: list[SourceOut] | None
    status: MessageStatus
    error_code: str | None
    error: str | None
    reply_to_id: UUID | None
    attempts: int
    occurred_at: datetime
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


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


class InboxQuery(PageQuery):
    status: ConversationStatus | None = None
    assignee: Literal["me", "none"] | UUID | None = None
    channel: UUID | None = None
    handling: Handling | None = None
    waiting: bool = False
    label: str = Field("", max_length=40)
    team: UUID | None = None
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

    text: str = Field("", max_length=MAX_TEXT)
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
        content: dict[str, Any] = {"text": self.text} if self.text else {}
        if self.media is not None:
            content["media"] = self.media.model_dump(mode="json")
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
    text: str = Field(min_length=1, max_length=MAX_TEXT)


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
    handling: Handling
    status: ConversationStatus
    snoozed_until: AwareDatetime | None


class LabelIn(Schema):
    name: str = Field(min_length=1, max_length=40)
    colour: LabelColour = LabelColour.GREY


class LabelPatch(Schema):
    name: str | None = Field(None, min_length=1, max_length=40)
    colour: LabelColour | None = None


class LabelOut(LabelIn):
    id: UUID


def _known_variables(text: str) -> str:
    unknown = filling.unknown_variables(text)
    if unknown:
        raise ValueError(str(_("Nobody fills in %(names)s.", names=", ".join(unknown))))
    return text


ReadyText = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_known_variables)]


class QuickReplyIn(Schema):
    """`text` may hold variables: {{contact.first_name|friend}}, {{company}}."""

    shortcut: str = Field(max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    text: ReadyText = Field(min_length=1)


class QuickReplyPatch(Schema):
    shortcut: str | None = Field(None, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    text: ReadyText | None = Field(None, min_length=1)


class QuickReplyOut(Schema):
    id: UUID
    shortcut: str
    text: str


class MacroSteps(Schema):
    """Done in this order: labels, note, responsible, reply, state. `assign`: me, nobody, or somebody."""

    labels: list[LabelName] = Field(default_factory=list, max_length=10)
    note: ReadyText = ""
    assign: Literal["me", "nobody"] | UUID | None = None
    reply: ReadyText = ""
    status: Literal["resolved", "pending", "snoozed"] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.labels or self.note or self.assign or self.reply or self.status):
            raise ValueError(str(_("A macro does at least one thing.")))
        return self


class MacroIn(Schema):
    name: str = Field(min_length=1, max_length=60)
    steps: MacroSteps


class MacroPatch(Schema):
    name: str | None = Field(None, min_length=1, max_length=60)
    steps: MacroSteps | None = None


class MacroOut(MacroIn):
    id: UUID


class MacroRunOut(Schema):
    """`before` put back undoes all but what was said."""

    conversation: ConversationOut
    before: StateIn
    replied: bool


class TeamIn(Schema):
    """`deals`: each conversation goes to one of those present; `takes_handoffs`: what the bot gives up comes here."""

    name: str = Field(min_length=1, max_length=60)
    deals: bool = True
    takes_handoffs: bool = False
    member_ids: list[UUID] = Field(default_factory=list, max_length=200)


class TeamPatch(Schema):
    name: str = Field("", min_length=1, max_length=60)
    deals: bool = True
    takes_handoffs: bool = False
    member_ids: list[UUID] | None = Field(None, max_length=200)


class TeamMemberOut(Schema):
    user_id: UUID


class TeamOut(Schema):
    id: UUID
    name: str
    deals: bool
    takes_handoffs: bool
    members: list[TeamMemberOut]


class GiveIn(Schema):
    team_id: UUID | None


class PresenceIn(Schema):
    state: Presence


class NoticeOut(Schema):
    id: UUID
    kind: NoticeKind
    conversation_id: UUID
    message_id: UUID | None
    by_id: UUID | None
    created_at: datetime
    seen_at: datetime | None
