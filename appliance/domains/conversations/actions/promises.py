"""The clocks of a conversation. Whoever calls holds its lock; `begin` to `drop` follow what is done with it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from appliance.core import working_hours
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.notices import tell_of_deadline
from appliance.domains.conversations.events import ConversationChanged
from appliance.domains.conversations.queries import promises as made
from appliance.domains.conversations.rules import promises
from appliance.domains.conversations.tables import Conversation, SlaPromise
from appliance.domains.conversations.types import ConversationStatus, Priority, PromiseKind
from appliance.domains.identity import queries as identity


def begin(uow: UnitOfWork, conversation: Conversation) -> None:
    """Somebody waits for people: what the policy promises of it runs from now on."""
    running = [*made.list_running(uow, conversation.id)]
    kinds = {promise.kind for promise in running}
    if PromiseKind.RESOLUTION not in kinds or not kinds & promises.REPLIES:
        wanted = promises.wanted(made.targets_for(uow, conversation), kinds, is_taken=conversation.assignee_id is not None)
        running += [_promise(uow, conversation, kind, minutes) for kind, minutes in wanted.items()]
    _run(uow, running)
    _show(conversation, running)


def _promise(uow: UnitOfWork, conversation: Conversation, kind: PromiseKind, minutes: int) -> SlaPromise:
    promise = SlaPromise(
        id=new_id(), tenant_id=uow.tenant_id, conversation_id=conversation.id, kind=kind, priority=conversation.priority,
        minutes=minutes, started_at=uow.now, left_s=minutes * 60,
    )  # fmt: skip
    uow.session.add(promise)
    return promise


def keep_reply(uow: UnitOfWork, conversation: Conversation) -> None:
    """A person answered."""
    running = made.list_running(uow, conversation.id)
    for promise in running:
        if promise.kind in promises.REPLIES:
            _end(uow, promise, is_kept=True)
    _show(conversation, running)


def settle(uow: UnitOfWork, conversation: Conversation) -> None:
    """It is resolved; an answer that nobody needed is no longer owed."""
    for promise in made.list_running(uow, conversation.id):
        _end(uow, promise, is_kept=promise.kind is PromiseKind.RESOLUTION)
    _show(conversation, ())


def revive(uow: UnitOfWork, conversation: Conversation) -> None:
    """It was resolved by mistake: as if it had not been."""
    if conversation.resolved_at is None:
        return
    ended = select(SlaPromise).where(SlaPromise.conversation_id == conversation.id, SlaPromise.ended_at == conversation.resolved_at)
    revived = uow.session.scalars(ended).all()
    for promise in revived:
        promise.ended_at = promise.end = None
        promise.tell_at = _next_telling(uow, promise)
    _show(conversation, revived)


def pause(uow: UnitOfWork, conversation: Conversation) -> None:
    """Put aside. What was missed stays so."""
    running = made.list_running(uow, conversation.id)
    if running:
        _stop(uow, running)
    _show(conversation, running)


def go_on(uow: UnitOfWork, conversation: Conversation) -> None:
    running = made.list_running(uow, conversation.id)
    _run(uow, running)
    _show(conversation, running)


def drop(uow: UnitOfWork, conversation: Conversation) -> None:
    """Nobody owes an answer any more: the bot has it again, or the contact is blocked or asked for silence."""
    for promise in made.list_running(uow, conversation.id):
        _end(uow, promise, is_kept=False)
    _show(conversation, ())


def set_priority(uow: UnitOfWork, conversation_id: UUID, priority: Priority) -> Conversation:
    """What still runs is measured by the new one, what already passed taken off; what was missed stays missed."""
    conversation = queries.lock_conversation(uow, conversation_id)
    if conversation.priority is not priority:
        conversation.priority = priority
        _measure_anew(uow, conversation)
        uow.emit(ConversationChanged(conversation.id))
    return conversation


def _measure_anew(uow: UnitOfWork, conversation: Conversation) -> None:
    targets, calendar = made.targets_for(uow, conversation), identity.get_calendar(uow)
    for promise in made.list_running(uow, conversation.id):
        minutes, left = targets.get(promise.kind), timedelta(seconds=promise.left_s or 0)
        if promise.due_at is not None:
            if promise.due_at <= uow.now:
                continue
            left = working_hours.between(calendar, uow.now, promise.due_at)
        if minutes is None:
            _end(uow, promise, is_kept=False)
            continue
        used = timedelta(minutes=promise.minutes) - left
        promise.left_s = max(0, round((timedelta(minutes=minutes) - used).total_seconds()))
        promise.minutes, promise.priority, promise.due_at = minutes, conversation.priority, None
    uow.session.flush()
    if conversation.status is ConversationStatus.OPEN:
        follow = begin if made.owes_reply(uow, conversation) else go_on
        follow(uow, conversation)


def tell_due(uow: UnitOfWork, conversation_id: UUID) -> bool:
    """Near, then past its end: each is told once. False when it was kept meanwhile."""
    conversation = queries.lock_conversation(uow, conversation_id)
    due = [one for one in made.list_running(uow, conversation_id) if one.tell_at is not None and one.tell_at <= uow.now]
    for promise in due:
        promise.tell_at = _next_telling(uow, promise)
    if due:
        is_missed = any(promise.tell_at is None for promise in due)
        tell_of_deadline(uow, conversation, is_missed=is_missed)
        uow.emit(ConversationChanged(conversation.id))
    return bool(due)


def _stop(uow: UnitOfWork, running: Sequence[SlaPromise]) -> None:
    """Those with time left."""
    calendar = identity.get_calendar(uow)
    for promise in running:
        if promise.due_at is not None and promise.due_at > uow.now:
            left = working_hours.between(calendar, uow.now, promise.due_at)
            promise.left_s = round(left.total_seconds())
            promise.due_at = promise.warn_at = promise.tell_at = None


def _run(uow: UnitOfWork, running: Sequence[SlaPromise]) -> None:
    """Those that stand still."""
    still = [promise for promise in running if promise.due_at is None]
    if not still:
        return
    calendar = identity.get_calendar(uow)
    for promise in still:
        found = promises.times(calendar, uow.now, timedelta(seconds=promise.left_s or 0), timedelta(minutes=promise.minutes))
        promise.warn_at, promise.due_at, promise.left_s = found.warn_at, found.due_at, None
        promise.tell_at = found.warn_at


def _next_telling(uow: UnitOfWork, promise: SlaPromise) -> datetime | None:
    times = (promise.warn_at, promise.due_at)
    return next((at for at in times if at is not None and at > uow.now), None)


def _end(uow: UnitOfWork, promise: SlaPromise, *, is_kept: bool) -> None:
    promise.end = promises.verdict(promise.due_at, uow.now, is_kept=is_kept)
    promise.ended_at, promise.tell_at = uow.now, None


def _show(conversation: Conversation, running: Iterable[SlaPromise]) -> None:
    """The list is sorted by what ends first."""
    dues = [(one.due_at, one.warn_at) for one in running if one.ended_at is None and one.due_at is not None]
    conversation.sla_due_at, conversation.sla_warn_at = min(dues, key=lambda pair: pair[0], default=(None, None))
