from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class _OfConversation:
    conversation_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.conversation_id)


@dataclass(frozen=True)
class ConversationOpened(_OfConversation):
    contact_id: UUID


@dataclass(frozen=True)
class ConversationChanged(_OfConversation):
    """Status, holder, assignee, labels or unread count are not what they were."""


@dataclass(frozen=True)
class ConversationResolved(_OfConversation):
    """Whoever had it says that it is done."""


@dataclass(frozen=True)
class SurveyAnswered(_OfConversation):
    """The customer said how it was."""

    survey_id: UUID


@dataclass(frozen=True)
class ConversationWoken(_OfConversation):
    """It was put aside until now; `message_id` is the line that says so."""

    message_id: UUID


@dataclass(frozen=True)
class NoticeMade:
    """These people should look at the conversation, or at the channel. Their browsers alone are told."""

    conversation_id: UUID | None
    user_ids: tuple[UUID, ...]
    channel_id: UUID | None = None


@dataclass(frozen=True)
class NoticesDropped:
    """There is nothing to look at any more: somebody has the conversation, or the channel works again."""

    conversation_id: UUID | None
    user_ids: tuple[UUID, ...]
    channel_id: UUID | None = None


@dataclass(frozen=True)
class SilenceAsked(_OfConversation):
    """Its contact asked for silence, in another thread with them."""


@dataclass(frozen=True)
class PersonHere(_OfConversation):
    """Somebody of the team has the conversation open: reading, typing, or no longer (left)."""

    user_id: UUID
    state: str


@dataclass(frozen=True)
class ContactWriting(_OfConversation):
    """The contact writes at this moment, or no longer. Only whispered."""

    writes: bool


@dataclass(frozen=True)
class ConversationRead(_OfConversation):
    """A person saw what was unread: so many messages, up to this one. Only whispered."""

    unread: int
    number: int


@dataclass(frozen=True)
class LabelsChanged:
    """A label was made, changed or deleted."""

    label_id: UUID


@dataclass(frozen=True)
class SavedViewsChanged:
    """A view was made, changed or deleted."""

    view_id: UUID


@dataclass(frozen=True)
class HandoffRequested(_OfConversation):
    """A person is needed: somebody must be told."""

    reason: str


@dataclass(frozen=True)
class HandoffOverdue(_OfConversation):
    """The contact still waits for a person."""


@dataclass(frozen=True)
class MessageReceived(_OfConversation):
    message_id: UUID


@dataclass(frozen=True)
class MessageRevised(_OfConversation):
    """Its writer changed or deleted it."""

    message_id: UUID


@dataclass(frozen=True)
class MessageReacted(_OfConversation):
    """Somebody reacted to it, changed that or took it back. Where it is not here, `message_id` is the reaction's own."""

    message_id: UUID


@dataclass(frozen=True)
class MessageQueued(_OfConversation):
    """A message waits to be sent."""

    message_id: UUID


@dataclass(frozen=True)
class MessageStatusChanged(_OfConversation):
    message_id: UUID
    status: str


@dataclass(frozen=True)
class MessageFailed(_OfConversation):
    """Not sent, or nobody knows whether it was: a person decides."""

    message_id: UUID
    status: str


@dataclass(frozen=True)
class InternalNoteAdded(_OfConversation):
    message_id: UUID


@dataclass(frozen=True)
class MessageMediaStored(_OfConversation):
    message_id: UUID


@dataclass(frozen=True)
class WordsWanted:
    """A recording lies here. In no order: one that takes long holds up no other."""

    message_id: UUID


@dataclass(frozen=True)
class WordsOverdue:
    """A recording came so long ago."""

    message_id: UUID


@dataclass(frozen=True)
class MessageTranscribed(_OfConversation):
    """What is said in it is written down, or will not be."""

    message_id: UUID


@dataclass(frozen=True)
class ConversationSummarised(_OfConversation):
    """A language model wrote what it is about."""
