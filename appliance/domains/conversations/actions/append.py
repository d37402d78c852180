"""How a message enters a conversation: the next number, the line in the list, the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.core import files
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations.actions.listen import want_words
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Direction, MessageKind, MessageStatus, Sender

_FIRST_STATUS = {
    Direction.INBOUND: MessageStatus.RECEIVED,
    Direction.OUTBOUND: MessageStatus.QUEUED,
    Direction.INTERNAL: MessageStatus.RECEIVED,
}


@dataclass(frozen=True)
class Draft:
    direction: Direction
    sender: Sender
    kind: MessageKind
    content: Mapping[str, Any]
    sender_id: UUID | None = None
    reply_to_id: UUID | None = None
    provider_id: str | None = None
    occurred_at: datetime | None = None
    sources: tuple[Mapping[str, Any], ...] = ()
    answers_up_to: int | None = None
    purpose: Purpose | None = None


def append(uow: UnitOfWork, conversation: Conversation, draft: Draft) -> Message:
    """The conversation must be locked: its counter is what keeps the order. Raises NotFound for a file that is not stored."""
    conversation.last_number += 1
    message = Message(
        id=new_id(), tenant_id=uow.tenant_id, conversation_id=conversation.id, channel_id=conversation.channel_id,
        number=conversation.last_number, direction=draft.direction, sender=draft.sender, sender_id=draft.sender_id,
        kind=draft.kind, content=dict(draft.content), sources=[dict(source) for source in draft.sources] or None,
        status=_FIRST_STATUS[draft.direction], provider_message_id=draft.provider_id, reply_to_id=draft.reply_to_id,
        answers_up_to=draft.answers_up_to, purpose=draft.purpose, occurred_at=draft.occurred_at or uow.now, created_at=uow.now, attempts=0,
    )  # fmt: skip
    if draft.direction is not Direction.INTERNAL and draft.kind is not MessageKind.REACTION:
        conversation.last_message_at = uow.now
        preview = wording.preview_of(draft.kind, draft.content)
        conversation.preview = wording.without_citations(preview) if draft.sources else preview
    uow.session.add(message)
    files.use(uow, message.id, wording.files_of(draft.content))
    want_words(uow, conversation, message)
    return message
