"""What conversations do when contacts or channels change: they move with the person, and vanish with the person."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update

from appliance.core import files
from appliance.core.rows import count_changed, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.blocking import block_joined, unblock_parted
from appliance.domains.conversations.actions.remember import forget_conversations_of
from appliance.domains.conversations.events import ConversationChanged, InternalNoteAdded
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Direction, MessageKind, Sender


def move_conversations(uow: UnitOfWork, *, merge_id: UUID, from_id: UUID, to_id: UUID) -> None:
    threads = _lock_threads(uow, Conversation.contact_id.in_((from_id, to_id)))
    told = [one for one in threads if one.contact_id == from_id or one.status is not ConversationStatus.RESOLVED]
    uow.session.execute(
        update(Conversation).where(Conversation.contact_id == from_id).values(contact_id=to_id, moved_by_merge_id=merge_id)
    )
    block_joined(uow, to_id, merge_id=merge_id)
    _tell(uow, told, {"event": "merged", "kept_id": str(to_id), "gone_id": str(from_id)})


def move_conversations_back(uow: UnitOfWork, *, merge_id: UUID, from_id: UUID, to_id: UUID) -> None:
    threads = _lock_threads(uow, or_(Conversation.moved_by_merge_id == merge_id, Conversation.contact_id == from_id))
    told = [one for one in threads if one.moved_by_merge_id == merge_id or one.status is not ConversationStatus.RESOLVED]
    uow.session.execute(
        update(Conversation).where(Conversation.moved_by_merge_id == merge_id).values(contact_id=to_id, moved_by_merge_id=None)
    )
    unblock_parted(uow, merge_id)
    _tell(uow, told, {"event": "parted", "kept_id": str(from_id), "gone_id": str(to_id)})


def _lock_threads(uow: UnitOfWork, theirs: ColumnElement[bool]) -> Sequence[Conversation]:
    """In one order, so that no two wait for each other."""
    return uow.session.scalars(locked(select(Conversation).where(theirs, ~Conversation.is_group).order_by(Conversation.id))).all()


def _tell(uow: UnitOfWork, threads: Iterable[Conversation], content: Mapping[str, str]) -> None:
    """A line where somebody may be at work, and where the contact is another now. It names nobody: who is erased is so here too."""
    for conversation in threads:
        draft = Draft(Direction.INTERNAL, Sender.SYSTEM, MessageKind.TEXT, {**content, "by": uow.actor.name})
        line = append(uow, conversation, draft)
        uow.session.flush()
        uow.emit(ConversationChanged(conversation.id))
        uow.emit(InternalNoteAdded(conversation.id, line.id))


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
