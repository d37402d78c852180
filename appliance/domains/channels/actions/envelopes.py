"""What came is kept as it came. Read later, it becomes messages and statuses, and the envelope goes, in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.core.errors import DomainError, Unavailable
from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.events import WebhooksAccepted
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.tables import Channel, Envelope

PASSING = (OperationalError, InterfaceError, PoolTimeout, Unavailable)  # nobody's fault: the whole envelope comes again
# What one body can do to those it came with. It is then read alone, and kept aside if it is at fault.
SPOILS = (SQLAlchemyError, DomainError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RecursionError)
BODIES_AN_ENVELOPE = 32  # read in one transaction later, while others wait to write
READ_TOGETHER = 16  # bodies; a longer transaction would keep those waiting who accept
log = structlog.get_logger()


def keep_envelopes(uow: UnitOfWork, channel_id: UUID, bodies: Sequence[str]) -> None:
    """What came to one channel: once this is committed it is ours."""
    for start in range(0, len(bodies), BODIES_AN_ENVELOPE):
        some = list(bodies[start : start + BODIES_AN_ENVELOPE])
        uow.session.add(Envelope(tenant_id=uow.tenant_id, channel_id=channel_id, bodies=some, received_at=uow.now))
        uow.emit(WebhooksAccepted(channel_id))


def read_envelopes(uow: UnitOfWork, channel_id: UUID) -> None:
    """The oldest of the channel, and those behind it while they are few. Each envelope came with one event, and each event has one read
    at least, so none is left. Nobody reads a later one meanwhile: the oldest is held.
    """
    bodies = 0
    for envelope in _each(uow, _hold_oldest(uow, channel_id)):
        bodies += len(envelope.bodies)
        _take_in(uow, envelope)
        if bodies >= READ_TOGETHER:
            return


def read_all(uow: UnitOfWork) -> int:
    """Everything that waits for the organisation. Returns how many envelopes it was; only one at a time is in memory."""
    waiting = uow.session.scalars(locked(select(Envelope.id).order_by(Envelope.received_at, Envelope.id))).all()
    for envelope in _each(uow, waiting):
        _take_in(uow, envelope)
    return len(waiting)


def _hold_oldest(uow: UnitOfWork, channel_id: UUID) -> Sequence[UUID]:
    own = select(Envelope.id).where(Envelope.channel_id == channel_id)
    while True:
        found = uow.session.scalars(locked(own.order_by(Envelope.received_at, Envelope.id).limit(READ_TOGETHER))).all()
        # Nothing, when others read all of those while we waited for them: then there may be more.
        if found or uow.session.scalar(own.limit(1)) is None:
            return found


def _each(uow: UnitOfWork, held: Iterable[UUID]) -> Iterator[Envelope]:
    """Loaded and decrypted one by one: each may be megabytes, and the first is often all that is read."""
    for envelope_id in held:
        yield uow.session.get_one(Envelope, envelope_id, populate_existing=True)


def _take_in(uow: UnitOfWork, envelope: Envelope) -> None:
    channel = uow.session.get(Channel, envelope.channel_id)
    if channel is not None:  # else it was deleted, and with it what was said there
        _read_together(uow, channel, envelope.bodies)
    uow.session.delete(envelope)
    uow.session.flush()


def _read_together(uow: UnitOfWork, channel: Channel, bodies: Sequence[str]) -> None:
    try:
        with uow.session.begin_nested():
            gateway = gateway_of(channel.kind)
            receive_changes(uow, channel, [change for body in bodies for change in gateway.read(body)])
    except PASSING:
        raise
    except SPOILS as err:
        log.warning("envelope_spoilt", size=len(bodies), error=type(err).__name__)
        if len(bodies) == 1:
            keep_rejected(uow, channel.id, [(f"unreadable_{type(err).__name__}", bodies[0])])
            return
        for body in bodies:
            _read_together(uow, channel, [body])
