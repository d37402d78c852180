"""Telling one person of something in a conversation."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, update

from appliance.core.ids import new_id
from appliance.core.rows import count_changed
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.events import NoticeMade, PersonHere
from appliance.domains.conversations.queries import teams
from appliance.domains.conversations.rules import mentions, promises, wording
from appliance.domains.conversations.tables import Conversation, Message, Notice
from appliance.domains.conversations.types import NoticeKind, Presence
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from appliance.domains.identity.types import MemberStatus

KEPT_FOR = timedelta(days=90)
MANAGERS = frozenset({"owner", "admin", "manager"})


def tell_mentioned(uow: UnitOfWork, conversation: Conversation, note: Message) -> None:
    text = wording.text_of(note.content)
    if "@" in text:
        members = identity.list_members(uow, MembersQuery(limit=200, status=MemberStatus.ACTIVE)).items
        named = mentions.find_mentioned(text, {member.user_id: member.name for member in members})
        _tell(uow, named - {note.sender_id}, NoticeKind.MENTIONED, conversation, note.id)


def tell_assigned(uow: UnitOfWork, conversation: Conversation, user_id: UUID) -> None:
    """Nobody is told of what they did themselves."""
    if user_id != uow.actor.id:
        _tell(uow, [user_id], NoticeKind.ASSIGNED, conversation, None)


def tell_of_deadline(uow: UnitOfWork, conversation: Conversation, *, is_missed: bool) -> None:
    """Whose it is, or who leads those who should have it."""
    members = identity.list_members(uow, MembersQuery(limit=200, status=MemberStatus.ACTIVE)).items
    active = {member.user_id for member in members}
    team = teams.list_member_ids(uow, conversation.team_id) if conversation.team_id else ()
    told = promises.whom_to_tell(
        assignee_id=conversation.assignee_id, team=active.intersection(team), is_missed=is_missed,
        managers={member.user_id for member in members if member.role in MANAGERS},
    )  # fmt: skip
    _tell(uow, sorted(told & active), NoticeKind.OVERDUE if is_missed else NoticeKind.DUE_SOON, conversation, None)


def announce(uow: UnitOfWork, conversation_id: UUID, *, user_id: UUID, state: Presence) -> None:
    """Kept nowhere. Those who have the conversation open hear it and answer."""
    uow.whisper(PersonHere(queries.get_conversation(uow, conversation_id).id, user_id, state.value))


def mark_seen(uow: UnitOfWork, *, user_id: UUID, conversation_id: UUID | None = None) -> int:
    """All of theirs, or those of one conversation. Answers how many were new."""
    new = update(Notice).where(Notice.user_id == user_id, Notice.seen_at.is_(None)).values(seen_at=uow.now)
    if conversation_id is not None:
        new = new.where(Notice.conversation_id == conversation_id)
    return count_changed(uow.session.execute(new))


def forget_old_notices(uow: UnitOfWork) -> None:
    """Those that were seen; what its person never looked at stays."""
    uow.session.execute(delete(Notice).where(Notice.seen_at.is_not(None), Notice.created_at < uow.now - KEPT_FOR))


def _tell(
    uow: UnitOfWork, user_ids: Iterable[UUID | None], kind: NoticeKind, conversation: Conversation, message_id: UUID | None
) -> None:
    for user_id in user_ids:
        if user_id is None:
            continue
        notice = Notice(
            id=new_id(), tenant_id=uow.tenant_id, user_id=user_id, kind=kind, conversation_id=conversation.id,
            message_id=message_id, by_id=uow.actor.id if uow.actor.kind == "user" else None, created_at=uow.now,
        )  # fmt: skip
        uow.session.add(notice)
        uow.session.flush()
        uow.emit(NoticeMade(conversation.id, user_id))
