"""The life of one delivery row: claimed by compare-and-swap, kept by a lease, finished by its own token only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, text, update
from sqlalchemy.orm import aliased

from appliance.core.backoff import back_off, chance
from appliance.core.dispatch import BY_TURNS, JOB_TIMEOUT_S
from appliance.core.errors import NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.ids import new_id
from appliance.core.outbox import MAX_ATTEMPTS, Delivery, DeliveryState, OutboxRow, Owed, owed
from appliance.core.rows import bring_forward, was_changed
from appliance.core.suspension import is_suspended, list_suspended
from appliance.core.uow import UnitOfWork

LEASE = timedelta(seconds=12)
SWEEP_LIMIT = 500
HOLD_LIMIT = 5000
DEADLY_AFTER = 5
UNFINISHED = (DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.DEAD, DeliveryState.HELD)
REENQUEUE_AFTER = timedelta(seconds=5)  # what a unit that is slow to commit was told with may lie so far back


class LeaseLost(RuntimeError):
    """Another worker took the delivery over; this one's result is thrown away."""


class WorkerDied(RuntimeError):
    """Each time the delivery was begun its worker died or hung; it is among the dead letters now."""


def claim(uow: UnitOfWork, delivery_id: UUID) -> UUID | None:
    """The lease token, or None when somebody else has it, it is done, not yet due, an earlier one of its key is open, or its organisation
    is suspended.
    """
    token = new_id()
    has_died = Delivery.state == DeliveryState.LEASED
    result = uow.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, _is_ready(uow), ~_is_deadly(), ~_blocked(), ~_has_to_wait(uow))
        .values(
            state=DeliveryState.LEASED, lease_token=token, lease_until=uow.now + LEASE, attempts=Delivery.attempts + 1,
            deaths=case((has_died, Delivery.deaths + 1), else_=Delivery.deaths),
        )
        .execution_options(synchronize_session=False)
    )
    if was_changed(result):
        return token
    uow.has_buried = _bury_if_deadly(uow, delivery_id)
    return None


def _is_deadly() -> ColumnElement[bool]:
    """Begun and never ended, time after time; a try that ended with an error is no death."""
    return and_(Delivery.state == DeliveryState.LEASED, Delivery.deaths >= DEADLY_AFTER - 1)


def _bury_if_deadly(uow: UnitOfWork, delivery_id: UUID) -> bool:
    """Work that took its worker down (or held it past its lease) time after time is not given another one."""
    result = uow.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, _is_deadly(), Delivery.lease_until < uow.now)
        .values(state=DeliveryState.DEAD, lease_token=None, lease_until=None, last_error=told(_("Its worker died or hung every time.")))
        .execution_options(synchronize_session=False)
    )
    return was_changed(result)


def _is_ready(uow: UnitOfWork) -> ColumnElement[bool]:
    """Waits no longer, or its worker died."""
    return or_(
        and_(Delivery.state == DeliveryState.PENDING, Delivery.next_at <= uow.now),
        and_(Delivery.state == DeliveryState.LEASED, Delivery.lease_until < uow.now),
    )


def _blocked() -> ColumnElement[bool]:
    earlier = aliased(Delivery)
    return exists(
        select(earlier.id).where(
            earlier.subscriber == Delivery.subscriber,
            earlier.ordering_key == Delivery.ordering_key,
            earlier.event_seq < Delivery.event_seq,
            earlier.state.in_(UNFINISHED),  # equality lets the index skip what is done, which of a busy key are millions
        )
    )


def _has_to_wait(uow: UnitOfWork) -> ColumnElement[bool]:
    return and_(is_suspended(uow, Delivery.tenant_id), _waits(uow))


def _to_hold(uow: UnitOfWork, tenants: Sequence[UUID]) -> ColumnElement[bool]:
    return and_(Delivery.tenant_id.in_(tenants), _is_ready(uow), _waits(uow))


def _waits(uow: UnitOfWork) -> ColumnElement[bool]:
    """Of an organisation that is suspended."""
    return Delivery.subscriber.not_in(uow.box.registry.taking_in)


def has_to_hold(uow: UnitOfWork) -> bool:
    tenants = list_suspended(uow)
    return bool(tenants) and uow.session.scalar(select(Delivery.id).where(_to_hold(uow, tenants)).limit(1)) is not None


def hold(uow: UnitOfWork) -> None:
    """In the whole box: what is due of organisations that are suspended is looked at no more, until `release`.

    What another unit is at work on is left to the next time: the relay waits for nobody's job.
    """
    if tenants := list_suspended(uow, locked=True):
        some = select(Delivery.id).where(_to_hold(uow, tenants)).limit(HOLD_LIMIT).with_for_update(skip_locked=True)
        waiting = update(Delivery).where(Delivery.id.in_(some)).execution_options(synchronize_session=False)
        uow.session.execute(waiting.values(state=DeliveryState.HELD, lease_token=None, lease_until=None, enqueued_at=None))


def release(uow: UnitOfWork) -> None:
    """The organisation is resumed: all that waited is due, in its order; what took in and could not, tries from the beginning."""
    if uow.box.database.is_postgresql:
        uow.session.execute(text("SET LOCAL statement_timeout = 0"))  # weeks of work
    own = update(Delivery).where(Delivery.tenant_id == uow.tenant_id).execution_options(synchronize_session=False)
    uow.session.execute(own.where(Delivery.state == DeliveryState.HELD).values(state=DeliveryState.PENDING, next_at=uow.now))
    taking_in = Delivery.state == DeliveryState.PENDING, Delivery.subscriber.in_(uow.box.registry.taking_in)
    uow.session.execute(own.where(*taking_in).values(attempts=0, next_at=uow.now))


def put_off(uow: UnitOfWork, subscriber: str, by: timedelta) -> None:
    """What waits of this organisation for that subscriber is not due before then."""
    own = Delivery.tenant_id == uow.tenant_id, Delivery.subscriber == subscriber, Delivery.state == DeliveryState.PENDING
    waiting = update(Delivery).where(*own).execution_options(synchronize_session=False)
    uow.session.execute(waiting.values(next_at=uow.now + by))


def renew(uow: UnitOfWork, delivery_id: UUID, token: UUID) -> bool:
    result = uow.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.lease_token == token, Delivery.state == DeliveryState.LEASED)
        .values(lease_until=uow.now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return was_changed(result)


def finish(uow: UnitOfWork, delivery_id: UUID, token: UUID) -> None:
    """Mark done and wake the next of the same key. Raises LeaseLost, which rolls the effect back."""
    done = uow.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.lease_token == token, Delivery.state == DeliveryState.LEASED)
        .values(state=DeliveryState.DONE, finished_at=uow.now, lease_token=None, lease_until=None, last_error=None)
        .returning(Delivery.subscriber, Delivery.ordering_key, Delivery.event_seq)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if done is None:
        raise LeaseLost(str(delivery_id))
    _wake_next(uow, done.subscriber, done.ordering_key, done.event_seq)


def _wake_next(uow: UnitOfWork, subscriber: str, ordering_key: str | None, event_seq: int) -> None:
    if ordering_key is None:
        return
    following = uow.session.scalar(
        select(Delivery)
        .where(
            Delivery.subscriber == subscriber,
            Delivery.ordering_key == ordering_key,
            Delivery.event_seq > event_seq,
            Delivery.state == DeliveryState.PENDING,
        )
        .order_by(Delivery.event_seq)
        .limit(1)
    )
    if following is not None and following.next_at <= uow.now:
        following.enqueued_at = uow.now
        uow.deliveries.append(following)


def fail(
    uow: UnitOfWork, delivery_id: UUID, *, error: str, tries: int = MAX_ATTEMPTS, retry_after: float | None = None, is_exact: bool = False
) -> DeliveryState:
    """Give the delivery back for a later try, or after `tries` bury it where a person can see and replay it.

    `is_exact`: after `retry_after`, however often it was tried.
    """
    delivery = get_delivery(uow, delivery_id)
    if delivery.state is DeliveryState.DONE:
        return delivery.state
    if delivery.state is DeliveryState.PENDING:
        delivery.attempts += 1  # an atomic run rolls its own claim back with its effect
    dead = delivery.attempts >= tries
    delivery.state = DeliveryState.DEAD if dead else DeliveryState.PENDING
    usual = back_off(delivery.attempts, chance=chance(), retry_after=retry_after)
    delivery.next_at = uow.now + (timedelta(seconds=retry_after or 0) if is_exact else usual)
    delivery.lease_token = delivery.lease_until = delivery.enqueued_at = None
    delivery.last_error, delivery.deaths = error, 0
    return delivery.state


def let_go(uow: UnitOfWork, delivery_id: UUID, *, reason: str) -> None:
    """Done without effect; the reason stays on the row."""
    delivery = get_delivery(uow, delivery_id)
    delivery.state, delivery.finished_at, delivery.last_error = DeliveryState.DONE, uow.now, reason
    delivery.lease_token = delivery.lease_until = None
    uow.session.flush()
    _wake_next(uow, delivery.subscriber, delivery.ordering_key, delivery.event_seq)


def replay(uow: UnitOfWork, delivery_id: UUID) -> Delivery:
    """Give a dead delivery another life."""
    delivery = get_delivery(uow, delivery_id)
    if delivery.state is DeliveryState.DEAD:
        delivery.state, delivery.next_at, delivery.enqueued_at = DeliveryState.PENDING, uow.now, uow.now
        delivery.attempts = delivery.deaths = 0
        uow.deliveries.append(delivery)
    return delivery


def get_delivery(uow: UnitOfWork, delivery_id: UUID) -> Delivery:
    delivery = uow.session.scalar(
        select(Delivery).where(Delivery.id == delivery_id).execution_options(populate_existing=True)
    )
    if delivery is None:
        raise NotFound(_("This job no longer exists."))
    return delivery


def is_under_way(uow: UnitOfWork, ordering_key: str) -> bool:
    return bool(find_under_way(uow, [ordering_key]))


def find_under_way(uow: UnitOfWork, ordering_keys: Collection[str]) -> frozenset[str]:
    """Those keys of which something is still going to be done by itself. What is dead, and what stands behind it, waits for a person."""
    dead = aliased(Delivery)
    is_stuck = exists(
        select(dead.id).where(
            dead.subscriber == Delivery.subscriber,
            dead.ordering_key == Delivery.ordering_key,
            dead.state == DeliveryState.DEAD,
            dead.event_seq < Delivery.event_seq,
        )
    )
    alive = Delivery.state.in_((DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.HELD))
    found = select(Delivery.ordering_key).where(Delivery.ordering_key.in_(ordering_keys), alive, ~is_stuck).distinct()
    return frozenset(key for key in uow.session.scalars(found) if key)


def get_event(uow: UnitOfWork, delivery: Delivery) -> OutboxRow:
    return uow.session.scalars(select(OutboxRow).where(OutboxRow.seq == delivery.event_seq)).one()


def _due(uow: UnitOfWork, heads: Mapping[str, datetime]) -> Select[Delivery]:
    """Never told to the queue, told but lost, or its worker died. Heads of their key only.

    `heads`: by queue in which something waits, when what comes next there was told. What was told before is no longer in it: it is being
    done, or was lost with a worker, with the queue or while the database was away. Where it goes by turns any job takes up any of them.
    """
    before = {
        name: min(uow.now, heads.get(name, uow.now)) - REENQUEUE_AFTER
        for name in JOB_TIMEOUT_S if name not in heads.keys() & BY_TURNS
    }  # fmt: skip
    lost = or_(
        Delivery.enqueued_at.is_(None),
        and_(Delivery.state == DeliveryState.LEASED, Delivery.enqueued_at < Delivery.lease_until, Delivery.queue.in_(before)),
        *(and_(Delivery.queue == name, Delivery.enqueued_at < told) for name, told in before.items()),
    )
    return select(Delivery).where(_is_ready(uow), lost, ~_blocked()).order_by(Delivery.event_seq).limit(SWEEP_LIMIT)


def find_next(uow: UnitOfWork, queue: str, *, after: UUID) -> Owed | None:
    """What comes next in a queue that goes by turns: of the organisation behind `after`, round and round; of its own the oldest."""
    ready = select(Delivery).where(Delivery.queue == queue, _is_ready(uow), ~_blocked(), ~_has_to_wait(uow))
    found = uow.session.scalar(ready.order_by(Delivery.tenant_id <= after, Delivery.tenant_id, Delivery.event_seq).limit(1))
    return None if found is None else owed([found])[0]


def has_due(uow: UnitOfWork, *, heads: Mapping[str, datetime]) -> bool:
    return uow.session.scalar(_due(uow, heads).limit(1)) is not None


def find_next_due(uow: UnitOfWork) -> datetime | None:
    """When the first of those that still wait for their moment (a delay, a later try) falls due."""
    waiting = select(func.min(Delivery.next_at)).where(Delivery.state == DeliveryState.PENDING, Delivery.next_at > uow.now)
    return uow.session.scalar(waiting)


def take_due(uow: UnitOfWork, *, heads: Mapping[str, datetime]) -> list[Owed]:
    """What the queue should be told (again), marked as told."""
    rows = uow.session.scalars(_due(uow, heads)).all()
    for delivery in rows:
        delivery.enqueued_at = uow.now
    return owed(rows)


def heed_put_back(uow: UnitOfWork, by: timedelta) -> None:
    """In the whole box: what waits would wait for so much longer."""
    pending = Delivery.state == DeliveryState.PENDING
    bring_forward(uow, Delivery.next_at, by, pending)
    ahead = update(Delivery).execution_options(synchronize_session=False)
    uow.session.execute(ahead.where(pending, Delivery.enqueued_at > uow.now).values(enqueued_at=None))
    held = ahead.where(Delivery.state == DeliveryState.LEASED, Delivery.lease_until > uow.now + LEASE)
    uow.session.execute(held.values(lease_until=uow.now + LEASE))


def list_dead(uow: UnitOfWork, *, limit: int = 100) -> list[tuple[Delivery, OutboxRow]]:
    """Dead letters with the event each was about, newest first."""
    rows = uow.session.execute(
        select(Delivery, OutboxRow)
        .join(OutboxRow, OutboxRow.seq == Delivery.event_seq)
        .where(Delivery.state == DeliveryState.DEAD)
        .order_by(Delivery.event_seq.desc())
        .limit(limit)
    )
    return [(delivery, row) for delivery, row in rows]


def count_open(uow: UnitOfWork) -> dict[str, int]:
    """Without those that are done, which are most of the table."""
    found = count_by_state(uow, UNFINISHED)
    return {state.value: found.get(state, 0) for state in UNFINISHED}


def lags(uow: UnitOfWork) -> dict[str, float]:
    """By queue: seconds since the oldest of what waits could have been done."""
    waiting = select(Delivery.queue, func.min(Delivery.next_at)).where(Delivery.state == DeliveryState.PENDING, Delivery.next_at <= uow.now)
    oldest = {queue: at for queue, at in uow.session.execute(waiting.group_by(Delivery.queue))}  # noqa: C416 - as below
    return {queue: (uow.now - oldest.get(queue, uow.now)).total_seconds() for queue in JOB_TIMEOUT_S}


def count_by_state(uow: UnitOfWork, states: Iterable[DeliveryState] = DeliveryState) -> dict[DeliveryState, int]:
    rows = uow.session.execute(select(Delivery.state, func.count()).where(Delivery.state.in_(states)).group_by(Delivery.state))
    return {state: count for state, count in rows}  # noqa: C416 - Row is not a plain pair for the type checker
