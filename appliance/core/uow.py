"""One unit of work per request or job. Only the edge opens it; leaving it commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state

from appliance.core import clock, crypto, guard, metrics, tracing
from appliance.core.errors import Forbidden
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import NIL, new_id
from appliance.core.outbox import Delivery, OutboxRow, Owed, event_name, ordering_key_of, owed, payload_of

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.dispatch import Whisper


@dataclass(frozen=True)
class Actor:
    """Who is behind a change. `system` acts on behalf of nobody: jobs, timers, webhooks."""

    kind: Literal["user", "api_key", "contact", "system"]
    id: UUID | None = None
    name: str = ""

    @property
    def writer_id(self) -> UUID:
        """In whose name it writes: a person's, or an API key's own. Raises Forbidden for anybody else."""
        if self.kind not in {"user", "api_key"} or self.id is None:
            raise Forbidden(_("Only who is signed in, or a program with an API key, can do this."))
        return self.id


SYSTEM = Actor("system")


@dataclass
class UnitOfWork:
    session: Session
    tenant_id: UUID
    actor: Actor
    box: Box
    now: datetime
    emitted: list[OutboxRow] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    whispers: list[Whisper] = field(default_factory=list)
    has_buried: bool = False  # a delivery that nobody is to try any more; said once that is committed

    def emit(self, event: object, *, delay: timedelta = timedelta(0)) -> None:
        """Write the event and what it sets in motion. `delay` holds its subscribers back."""
        self.emit_all([event], delay=delay)

    def emit_all(self, events: Iterable[object], *, delay: timedelta = timedelta(0)) -> None:
        """Many at once, in order."""
        rows = [(event, self._outbox_row(event)) for event in events]
        self.session.add_all(row for _, row in rows)
        self.session.flush()  # the deliveries below need its seq
        for event, row in rows:
            self.emitted.append(row)
            self._owe(event, row, delay)

    def whisper(self, event: object) -> None:
        """Tell the browsers that listen now, and nobody else: kept nowhere, no subscribers. For what is worth nothing a minute later."""
        self.whispers.append((event_name(type(event)), payload_of(event)))

    def _outbox_row(self, event: object) -> OutboxRow:
        name = event_name(type(event))
        return OutboxRow(
            tenant_id=self.tenant_id, id=new_id(), name=name, payload=payload_of(event), emitted_at=self.now,
            traceparent=tracing.traceparent(),
        )

    def _owe(self, event: object, row: OutboxRow, delay: timedelta) -> None:
        for subscription in self.box.registry.subscribers_of(row.name):
            delivery = Delivery(
                id=new_id(),
                tenant_id=self.tenant_id,
                event_seq=row.seq,
                subscriber=subscription.name,
                ordering_key=ordering_key_of(event),
                queue=subscription.queue,
                attempts=0,
                next_at=self.now + subscription.delay + delay,
                enqueued_at=None if subscription.delay + delay else self.now,
            )
            self.session.add(delivery)
            self.deliveries.append(delivery)

    def owed_now(self) -> list[Owed]:
        return owed(delivery for delivery in self.deliveries if delivery.enqueued_at is not None and _is_stored(delivery))

    def happened(self) -> list[OutboxRow]:
        """What was emitted and not undone with a savepoint."""
        return [row for row in self.emitted if _is_stored(row)]


class Units(Protocol):
    """How a caller opens units in its own name, for what has to be done with none open in between."""

    def __call__(self, *, read_only: bool = False) -> AbstractContextManager[UnitOfWork]: ...


def open_unit(box: Box, tenant_id: UUID, actor: Actor, *, read_only: bool) -> AbstractContextManager[UnitOfWork]:
    """The tenant's unit. Commits on leaving, then hands what it emitted to the queue.

    Raises OperationalError where the database refuses it, or the clock was put back meanwhile: the same is tried again.
    """
    return _open(box, tenant_id, actor, scope="tenant", read_only=read_only)


def open_whole_box(box: Box, reason: str, actor: Actor, *, read_only: bool) -> AbstractContextManager[UnitOfWork]:
    """Across all tenants, for the relay, sign-in and the operator. Every use is logged with its reason."""
    box.log.debug("whole_box_unit", reason=reason, actor=actor.kind)
    return _open(box, NIL, actor, scope="box", read_only=read_only)


@contextmanager
def _open(box: Box, tenant_id: UUID, actor: Actor, *, scope: str, read_only: bool) -> Iterator[UnitOfWork]:
    session = box.database.session(read_only=read_only)
    session.info.update(read_only=read_only, scope=scope, tenant_id=tenant_id if scope == "tenant" else None)
    token = crypto.sealing_tenant.set(tenant_id)
    guard.entered_unit()
    try:
        with session, session.begin():
            if box.database.is_postgresql:
                _name_tenant(session, tenant_id, scope)
            began = clock.now()
            uow = UnitOfWork(session, tenant_id, actor, box, began)
            yield uow
            if not read_only:
                session.flush()  # which may wait for others
            if not read_only and clock.now() < began - clock.LEAST_JUMP:
                # Whoever heeds that the clock was put back may be done: moments of before would lie too far ahead for good.
                raise OperationalError("COMMIT", None, TimeoutError("the clock was put back"))
    finally:
        guard.left_unit()
        crypto.sealing_tenant.reset(token)
    if uow.emitted or uow.deliveries:
        happened = uow.happened()
        box.dispatcher.after_commit(happened, uow.owed_now())
        _count(happened)
    if uow.whispers:
        box.dispatcher.whisper(tenant_id, uow.whispers)


def _count(happened: Iterable[OutboxRow]) -> None:
    for row in happened:
        metrics.EVENTS.labels(row.name, str(row.payload.get("status") or "")).inc()


def _is_stored(row: OutboxRow | Delivery) -> bool:
    return instance_state(row).has_identity


def _name_tenant(session: Session, tenant_id: UUID, scope: str) -> None:
    # Read by the row-level security policies; local to this transaction, so a pooled connection never carries it on.
    session.execute(select(func.set_config("app.tenant_id", str(tenant_id), True), func.set_config("app.scope", scope, True)))
