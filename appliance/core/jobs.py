"""What a worker runs: one delivery, or one piece of timed work. An edge: it opens units and meets every exception."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from redis import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.core import deliveries, housekeeping, i18n, metrics, tracing
from appliance.core.errors import DomainError, Later, NotFound, Unavailable
from appliance.core.ids import NIL
from appliance.core.outbox import MAX_ATTEMPTS, DeliveryState, event_from

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.manifest import Subscription
    from appliance.core.uow import UnitOfWork

RENEW_EVERY_S = 4.0
A_FEW_TRIES = 3
log = structlog.get_logger()
_bound: list[Box] = []
_served: dict[str, UUID] = {}  # whose turn it was last, by queue


def bind(box: Box) -> None:
    """Tell this worker process which box its jobs belong to."""
    _bound[:] = [box]


def run_delivery(tenant_hex: str, delivery_hex: str) -> None:
    deliver(_bound[0], UUID(tenant_hex), UUID(delivery_hex))


def run_next(queue: str) -> None:
    """Whatever waits there, by turns: one organisation's hundred hold up another's one by one."""
    box = _bound[0]
    with box.whole_box("turns", read_only=True) as uow:
        following = deliveries.find_next(uow, queue, after=_served.get(queue, NIL))
    if following is not None:
        _served[queue] = following.tenant_id
        deliver(box, following.tenant_id, following.delivery_id)


def run_cron(name: str) -> None:
    box = _bound[0]
    if not housekeeping.begin_run(box, name):
        log.info("cron_still_running", job=name)
        return
    error: str | None = "interrupted"
    cron = box.registry.cron[name]
    try:
        with metrics.timed_job(name, cron.queue):
            cron.run(box)
        error = None
    except Exception as err:
        error = describe(err)
        log.error("cron_failed", job=name, exc_info=err)  # noqa: TRY400 - frames only, see telemetry
        raise
    finally:
        metrics.OUTCOMES.labels(name, cron.queue, "done" if error is None else "failed").inc()
        housekeeping.end_run(box, name, error=error)


def deliver(box: Box, tenant_id: UUID, delivery_id: UUID) -> None:
    """Run one delivery to done, to a later try, or to the dead letters. Raises nothing: the row says what happened."""
    subscriber, queue = "unknown", "unknown"
    outcome = "dropped"
    try:
        with box.unit(tenant_id, read_only=True) as uow:
            delivery = deliveries.get_delivery(uow, delivery_id)
            subscriber = delivery.subscriber
            subscription = box.registry.subscriptions[subscriber]
            queue = subscription.queue
            row = deliveries.get_event(uow, delivery)
            event: object = event_from(subscription.event, row.payload)
            told = {"messaging.destination.name": queue, "salesedge.event": row.name, "salesedge.delivery": delivery_id.hex}
        with metrics.timed_job(subscriber, queue), tracing.span(subscriber, "consumer", parent=row.traceparent, told=told):
            outcome = "done" if _run(box, tenant_id, delivery_id, subscription, event) else "dropped"
    except deliveries.LeaseLost:
        log.info("lease_lost", subscriber=subscriber, delivery=delivery_id.hex)
    except deliveries.WorkerDied as err:
        outcome = _say_dead(subscriber, delivery_id, err)
    except Exception as err:  # noqa: BLE001 - the edge of every job
        outcome = _record(box, tenant_id, delivery_id, subscriber, err)
    metrics.OUTCOMES.labels(subscriber, queue, outcome).inc()


def _run(box: Box, tenant_id: UUID, delivery_id: UUID, subscription: Subscription, event: object) -> bool:
    """False when somebody else has it."""
    if subscription.mode == "staged":
        with Step.claimed(box, tenant_id, delivery_id) as step:
            if step is not None:
                subscription.handler(step, event)
                step.check_finished()
        return step is not None
    with box.unit(tenant_id) as uow:
        token = deliveries.claim(uow, delivery_id)
        if token is not None:
            subscription.handler(uow, event)
            uow.session.flush()
            deliveries.finish(uow, delivery_id, token)
    _check_not_buried(uow)
    return token is not None


def _check_not_buried(uow: UnitOfWork) -> None:
    if uow.has_buried:
        raise deliveries.WorkerDied


def _record(box: Box, tenant_id: UUID, delivery_id: UUID, subscriber: str, err: Exception) -> str:
    if isinstance(err, NotFound):
        _let_go(box, tenant_id, delivery_id, subscriber, err)
        return "dropped"
    try:
        with box.unit(tenant_id) as uow:
            wait = getattr(err, "retry_after", None)
            state = deliveries.fail(
                uow, delivery_id, error=describe(err), tries=_tries(err), retry_after=wait, is_exact=isinstance(err, Later)
            )
    except (DomainError, SQLAlchemyError) as also:
        log.warning("delivery_unrecorded", subscriber=subscriber, delivery=delivery_id.hex, error=type(also).__name__)
        return "postponed"
    if state is DeliveryState.DEAD:
        return _say_dead(subscriber, delivery_id, err)
    log.warning("delivery_postponed", subscriber=subscriber, delivery=delivery_id.hex, error=type(err).__name__)
    return "postponed"


def _say_dead(subscriber: str, delivery_id: UUID, err: Exception) -> str:
    log.error("delivery_dead", subscriber=subscriber, delivery=delivery_id.hex, exc_info=err)
    return "dead"


def _let_go(box: Box, tenant_id: UUID, delivery_id: UUID, subscriber: str, err: NotFound) -> None:
    """What the event was about is gone (a deleted person, a deleted document): nothing is owed any more."""
    try:
        with box.unit(tenant_id) as uow:
            deliveries.let_go(uow, delivery_id, reason=describe(err))
    except (DomainError, SQLAlchemyError) as also:
        log.warning("delivery_unrecorded", subscriber=subscriber, delivery=delivery_id.hex, error=type(also).__name__)
    else:
        log.info("delivery_without_object", subscriber=subscriber, delivery=delivery_id.hex)


def _tries(err: Exception) -> int:
    """What is away may come back; a race over a unique key and a job past its time get a few tries; a bug or refusal stays one."""
    if isinstance(err, Later):
        return sys.maxsize
    if isinstance(err, Unavailable | OperationalError | InterfaceError | RedisError | ConnectionError | TimeoutError):
        return MAX_ATTEMPTS
    return A_FEW_TRIES if isinstance(err, IntegrityError | JobTimeoutException | PoolTimeout) else 1


def describe(err: Exception) -> str:
    """Our own errors speak in sentences; of others only the kind is kept, since their text may hold personal data."""
    return i18n.told(err) if isinstance(err, DomainError) else type(err).__name__


@dataclass
class Step:
    """A slow delivery in progress: read, work with no transaction open, finish. The lease is renewed meanwhile."""

    box: Box
    tenant_id: UUID
    delivery_id: UUID
    token: UUID
    finished: bool = False

    @classmethod
    @contextmanager
    def claimed(cls, box: Box, tenant_id: UUID, delivery_id: UUID) -> Iterator[Step | None]:
        with box.unit(tenant_id) as uow:
            token = deliveries.claim(uow, delivery_id)
        _check_not_buried(uow)
        if token is None:
            yield None
            return
        step = cls(box, tenant_id, delivery_id, token)
        with _renewing(step):
            yield step

    def read(self) -> AbstractContextManager[UnitOfWork]:
        return self.box.unit(self.tenant_id, read_only=True)

    @contextmanager
    def progress(self) -> Iterator[UnitOfWork]:
        """A small write on the way (a progress figure, a resumable part). Refused once the lease is lost."""
        with self.box.unit(self.tenant_id) as uow:
            if not deliveries.renew(uow, self.delivery_id, self.token):
                raise deliveries.LeaseLost(str(self.delivery_id))
            yield uow

    @contextmanager
    def finish(self) -> Iterator[UnitOfWork]:
        """The effect and `done` in one transaction, only if the lease is still ours."""
        with self.box.unit(self.tenant_id) as uow:
            deliveries.finish(uow, self.delivery_id, self.token)
            yield uow
        self.finished = True

    def check_finished(self) -> None:
        """A handler that had nothing to write still ends its delivery."""
        if not self.finished:
            with self.finish():
                pass


@contextmanager
def _renewing(step: Step) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(step, stop), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=RENEW_EVERY_S)


def _renew_until(step: Step, stop: threading.Event) -> None:
    while not stop.wait(RENEW_EVERY_S):
        try:
            with step.box.unit(step.tenant_id) as uow:
                if not deliveries.renew(uow, step.delivery_id, step.token):
                    return
        except SQLAlchemyError as err:
            log.warning("lease_not_renewed", delivery=step.delivery_id.hex, error=type(err).__name__)


def sweep(box: Box) -> int:
    """One turn of the relay: tell the queue of everything that is due and that it does not know. Returns how many."""
    heads = box.dispatcher.heads()
    if heads is None:
        return 0  # nobody can be told; all of it is due once Redis is back
    with box.whole_box("relay", read_only=True) as uow:
        if not (deliveries.has_to_hold(uow) or deliveries.has_due(uow, heads=heads)):
            return 0
    with box.whole_box("relay") as uow:
        deliveries.hold(uow)
        due = deliveries.take_due(uow, heads=heads)
    box.dispatcher.enqueue(due)
    return len(due)


def seconds_to_next(box: Box, *, most: float) -> float:
    """How long the relay may rest: until the next delivery that waits for its moment, `most` at the longest."""
    with box.whole_box("relay", read_only=True) as uow:
        due = deliveries.find_next_due(uow)
        return most if due is None else min(max((due - uow.now).total_seconds(), 0.0), most)
