"""What conversations do when contacts or channels change: they move with the person, and vanish with the person."""

from uuid import UUID

from sqlalchemy import delete, select, update

from appliance.core import files
from appliance.core.rows import count_changed
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.actions.blocking import block_joined, unblock_parted
from appliance.domains.conversations.actions.remember import forget_conversations_of
from appliance.domains.conversations.tables import Conversation, Message


def move_conversations(uow: UnitOfWork, *, merge_id: UUID, from_id: UUID, to_id: UUID) -> None:
    uow.session.execute(
        update(Conversation).where(Conversation.contact_id == from_id).values(contact_id=to_id, moved_by_merge_id=merge_id)
    )
    block_joined(uow, to_id, merge_id=merge_id)


def move_conversations_back(uow: UnitOfWork, *, merge_id: UUID, to_id: UUID) -> None:
    uow.session.execute(
        update(Conversation).where(Conversation.moved_by_merge_id == merge_id).values(contact_id=to_id, moved_by_merge_id=None)
    )
    unblock_parted(uow, merge_id)


def move_to_kind(uow: UnitOfWork, channel_id: UUID, *, kind: str, window_hours: int | None) -> None:
    """The channel is of another kind from now on: whoever wrote is answered by its rules."""
    own = update(Conversation).where(Conversation.channel_id == channel_id)
    uow.session.execute(own.values(channel_kind=kind, window_hours=window_hours))


def erase_contact(uow: UnitOfWork, contact_id: UUID) -> int:
    """All that was said with this person; the files follow once this is committed. Returns how many rows are gone."""
    own = select(Conversation.id).where(Conversation.contact_id == contact_id)
    files.let_go(uow, select(Message.id).where(Message.conversation_id.in_(own)))
    forget_conversations_of(uow, contact_id)
    messages = uow.session.execute(delete(Message).where(Message.conversation_id.in_(own)))
    conversations = uow.session.execute(delete(Conversation).where(Conversation.contact_id == contact_id))
    return count_changed(messages) + count_changed(conversations)
