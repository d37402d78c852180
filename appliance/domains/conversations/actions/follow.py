"""What conversations do when contacts change: they move with the person, and vanish with the person."""

from uuid import UUID

from sqlalchemy import delete, select, update

from appliance.core.rows import count_changed
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.events import FileOrphaned
from appliance.domains.conversations.tables import Conversation, Message


def move_conversations(uow: UnitOfWork, *, merge_id: UUID, from_id: UUID, to_id: UUID) -> None:
    uow.session.execute(
        update(Conversation).where(Conversation.contact_id == from_id).values(contact_id=to_id, moved_by_merge_id=merge_id)
    )


def move_conversations_back(uow: UnitOfWork, *, merge_id: UUID, to_id: UUID) -> None:
    uow.session.execute(
        update(Conversation).where(Conversation.moved_by_merge_id == merge_id).values(contact_id=to_id, moved_by_merge_id=None)
    )


def erase_contact(uow: UnitOfWork, contact_id: UUID) -> int:
    """All that was said with this person; the files follow once this is committed. Returns how many rows are gone."""
    own = select(Conversation.id).where(Conversation.contact_id == contact_id)
    for content in uow.session.scalars(select(Message.content).where(Message.conversation_id.in_(own))):
        if blob_id := content.get("media", {}).get("blob_id"):
            uow.emit(FileOrphaned(UUID(blob_id)))
    messages = uow.session.execute(delete(Message).where(Message.conversation_id.in_(own)))
    conversations = uow.session.execute(delete(Conversation).where(Conversation.contact_id == contact_id))
    return count_changed(messages) + count_changed(conversations)
