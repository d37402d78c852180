"""What customers were promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from appliance.core.rows import required
from appliance.core.suspension import is_suspended
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.errors import SlaPolicyNotFound
from appliance.domains.conversations.rules import promises
from appliance.domains.conversations.schemas import Targets
from appliance.domains.conversations.tables import Conversation, Message, SlaPolicy, SlaPromise
from appliance.domains.conversations.types import (
    ConversationStatus,
    Deadline,
    Direction,
    Handling,
    MessageKind,
    PromiseEnd,
    PromiseKind,
    Sender,
)

MOST = 100
COUNTED = timedelta(days=30)


@dataclass(frozen=True)
class SlaFigure:
    kind: PromiseKind
    met: int
    missed: int


def list_policies(uow: UnitOfWork) -> Sequence[SlaPolicy]:
    return uow.session.scalars(select(SlaPolicy).order_by(func.lower(SlaPolicy.name)).limit(MOST)).all()


def get_policy(uow: UnitOfWork, policy_id: UUID) -> SlaPolicy:
    return required(uow.session.get(SlaPolicy, policy_id), SlaPolicyNotFound)


def targets_for(uow: UnitOfWork, conversation: Conversation) -> Mapping[PromiseKind, int | None]:
    """In minutes, for its priority; empty where nothing is promised."""
    known = {row.id: row for row in list_policies(uow)}
    scopes = [promises.Scope(row.id, row.channel_id, row.team_id) for row in known.values()]
    chosen = promises.choose(scopes, channel_id=conversation.channel_id, team_id=conversation.team_id)
    found = known[chosen].targets.get(conversation.priority.value) if chosen else None
    return {kind: getattr(Targets.model_validate(found), kind.value) for kind in PromiseKind} if found else {}


def list_running(uow: UnitOfWork, conversation_id: UUID) -> Sequence[SlaPromise]:
    running = select(SlaPromise).where(SlaPromise.conversation_id == conversation_id, SlaPromise.ended_at.is_(None))
    return uow.session.scalars(running.order_by(SlaPromise.started_at, SlaPromise.id)).all()


def owes_reply(uow: UnitOfWork, conversation: Conversation) -> bool:
    """People have it, and the last word is the customer's; what the box says itself answers nothing."""
    if conversation.handling is not Handling.HUMAN or conversation.status is not ConversationStatus.OPEN:
        return False
    is_said = Message.direction != Direction.INTERNAL, Message.sender != Sender.SYSTEM, Message.kind != MessageKind.REACTION
    said = select(Message.direction).where(Message.conversation_id == conversation.id, *is_said)
    return uow.session.scalar(said.order_by(Message.number.desc()).limit(1)) is Direction.INBOUND


def list_to_tell(uow: UnitOfWork, *, limit: int = 500) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, conversation) of what is near its end or past it and was not told of, where nobody is suspended. Needs the box scope."""
    is_due = SlaPromise.tell_at <= uow.now, ~is_suspended(uow, SlaPromise.tenant_id)
    due = select(SlaPromise.tenant_id, SlaPromise.conversation_id).where(*is_due)
    rows = uow.session.execute(due.order_by(SlaPromise.tell_at).limit(limit))
    return list(dict.fromkeys((row.tenant_id, row.conversation_id) for row in rows))


def has_deadline(uow: UnitOfWork, deadline: Deadline) -> ColumnElement[bool]:
    """AT_RISK: most of the time has passed, some is left."""
    if deadline is Deadline.MISSED:
        return Conversation.sla_due_at <= uow.now
    return and_(Conversation.sla_warn_at <= uow.now, Conversation.sla_due_at > uow.now)


def list_figures(uow: UnitOfWork) -> list[SlaFigure]:
    """Of the last 30 days; what is late and still waits counts as missed."""
    since = uow.now - COUNTED
    is_late = and_(SlaPromise.ended_at.is_(None), SlaPromise.due_at <= uow.now)
    statement = (
        select(
            SlaPromise.kind,
            func.count(SlaPromise.id).filter(SlaPromise.end == PromiseEnd.MET),
            func.count(SlaPromise.id).filter(or_(SlaPromise.end == PromiseEnd.MISSED, is_late)),
        )
        .where(or_(SlaPromise.ended_at >= since, SlaPromise.ended_at.is_(None)))
        .group_by(SlaPromise.kind)
    )
    found = {kind: SlaFigure(kind, met, missed) for kind, met, missed in uow.session.execute(statement)}
    return [found.get(kind, SlaFigure(kind, 0, 0)) for kind in PromiseKind]
