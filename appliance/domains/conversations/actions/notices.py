"""Telling one person of something in a conversation, or of a channel."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update

from appliance.core.ids import new_id
from appliance.core.rows import count_changed
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.events import NoticeMade, NoticesDropped, PersonHere
from appliance.domains.conversations.queries import teams
from appliance.domains.conversations.queries.notices import list_able
from appliance.domains.conversations.rules import mentions, promises, wording
from appliance.domains.conversations.tables import Conversation, Message, Notice
from appliance.domains.conversations.types import NoticeKind, Presence
from appliance.domains.identity import queries as identity

KEPT_FOR = timedelta(days=90)
MANAGERS = frozenset({"owner", "admin", "manager"})
ANSWER, MEND = "conversations:write", "channels:write"
_WAITS = (NoticeKind.WAITING, NoticeKind.STILL_WAITING)


def tell_mentioned(uow: UnitOfWork, conversation: Conversation, note: Message) -> None:
    text = wording.text_of(note.content)
    if "@" in text:
        named = mentions.find_mentioned(text, identity.list_at_work(uow))
        _tell(uow, named - {note.sender_id}, NoticeKind.MENTIONED, conversation, note.id)


def tell_assigned(uow: UnitOfWork, conversation: Conversation, user_id: UUID) -> None:
    """Nobody is told of what they did themselves."""
    if user_id != uow.actor.id:
        _tell(uow, [user_id], NoticeKind.ASSIGNED, conversation, None)


def tell_of_deadline(uow: UnitOfWork, conversation: Conversation, *, is_missed: bool) -> None:
    """Whose it is, or who leads those who should have it."""
    team = teams.list_member_ids(uow, conversation.team_id) if conversation.team_id else ()
    told = promises.whom_to_tell(
        assignee_id=conversation.assignee_id, team=identity.list_at_work(uow, among=team), is_missed=is_missed,
        managers=identity.list_at_work(uow, roles=MANAGERS),
    )  # fmt: skip
    _tell(uow, identity.list_at_work(uow, among=told), NoticeKind.OVERDUE if is_missed else NoticeKind.DUE_SOON, conversation, None)


def tell_waiting(uow: UnitOfWork, conversation: Conversation, *, is_overdue: bool = False) -> None:
    """Of the team whose it is or will be, else of all, who may answer: each has one notice while the contact waits, new again
    when nobody has come for a while.
    """
    team = teams.find_team_for(uow, conversation)
    of_team = list_able(uow, ANSWER, among=teams.list_member_ids(uow, team.id)) if team else ()
    told = frozenset(of_team or list_able(uow, ANSWER))
    kind = NoticeKind.STILL_WAITING if is_overdue else NoticeKind.WAITING
    own = select(Notice).where(Notice.conversation_id == conversation.id, Notice.kind.in_(_WAITS))
    known = {notice.user_id: notice for notice in uow.session.scalars(own)}
    again = [notice for notice in known.values() if notice.kind is not kind and is_overdue]
    for notice in again:
        notice.kind, notice.created_at, notice.seen_at = kind, uow.now, None
    _tell(uow, told - known.keys(), kind, conversation, None, again=[notice.user_id for notice in again])


def tell_woken(uow: UnitOfWork, conversation: Conversation, line: Message) -> None:
    """Whose it is. Where it is nobody's, all are called."""
    if conversation.assignee_id is not None:
        _tell(uow, [conversation.assignee_id], NoticeKind.WOKEN, conversation, line.id)


def drop_waiting(uow: UnitOfWork, conversation_id: UUID) -> None:
    if told := _drop(uow, Notice.conversation_id == conversation_id, Notice.kind.in_(_WAITS)):
        uow.emit(NoticesDropped(conversation_id, told))


def tell_channel_down(uow: UnitOfWork, channel_id: UUID) -> None:
    """Those who can mend it, once until it works again."""
    told = select(Notice.user_id).where(Notice.channel_id == channel_id)
    new = list_able(uow, MEND) - set(uow.session.scalars(told))
    if new:
        uow.session.add_all(_notice(uow, user_id, NoticeKind.CHANNEL_DOWN, channel_id=channel_id) for user_id in sorted(new))
        uow.emit(NoticeMade(None, tuple(sorted(new)), channel_id))


def drop_channel_down(uow: UnitOfWork, channel_id: UUID) -> None:
    if told := _drop(uow, Notice.channel_id == channel_id):
        uow.emit(NoticesDropped(None, told, channel_id))


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
    uow: UnitOfWork, new: Iterable[UUID | None], kind: NoticeKind, conversation: Conversation, message_id: UUID | None,
    *, again: Iterable[UUID] = (),
) -> None:  # fmt: skip
    """`again`: those who have it already, for whom it is new again. One event for all, however many they are."""
    first = sorted({user_id for user_id in new if user_id is not None})
    told = (*first, *again)
    if told:
        notices = [_notice(uow, user_id, kind, conversation_id=conversation.id, message_id=message_id) for user_id in first]
        uow.session.add_all(notices)
        uow.emit(NoticeMade(conversation.id, told))


def _notice(uow: UnitOfWork, user_id: UUID, kind: NoticeKind, **about: UUID | None) -> Notice:
    by_id = uow.actor.id if uow.actor.kind == "user" else None
    return Notice(id=new_id(), tenant_id=uow.tenant_id, user_id=user_id, kind=kind, by_id=by_id, created_at=uow.now, **about)


def _drop(uow: UnitOfWork, *of: ColumnElement[bool]) -> tuple[UUID, ...]:
    """Whose they were."""
    uow.session.flush()
    return tuple(sorted(set(uow.session.scalars(delete(Notice).where(*of).returning(Notice.user_id)))))
