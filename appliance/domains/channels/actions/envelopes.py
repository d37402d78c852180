"""What came is kept as it came. Read later, it becomes messages and statuses, and the envelope goes, in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import structlog
from sqlalchemy import select

from appliance.core.rows import PASSING, SPOILS, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.events import WebhooksAccepted
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.tables import Channel, Envelope

BODIES_AN_ENVELOPE = 32
READ_TOGETHER = 16  # bodies in one transaction, fewer while somebody waits who accepts: other workers wait meanwhile
READ_AT_ONCE = 8  # before it looks whether somebody does: four at once cost half as much again each, sixteen take half as long again
log = structlog.get_logger()


def keep_envelopes(uow: UnitOfWork, channel_id: UUID, bodies: Sequence[str]) -> None:
    """What came to one channel: once this is committed it is ours."""
    for start in range(0, len(bodies), BODIES_AN_ENVELOPE):
        some = list(bodies[start : start + BODIES_AN_ENVELOPE])
        uow.session.add(Envelope(tenant_id=uow.tenant_id, channel_id=channel_id, bodies=some, received_at=uow.now))
        uow.emit(WebhooksAccepted(channel_id))


def read_envelopes(uow: UnitOfWork, channel_id: UUID) -> None:
    """The oldest of the channel, and those behind it while they are few. Each envelope came with one event, and each event has one read
    at least, so none is left; what is left of one is announced anew. Nobody reads a later one meanwhile: the oldest is held.
    """
    bodies = 0
    for envelope in _each(uow, _hold_oldest(uow, channel_id)):
        for read, left in _in_parts(uow, envelope):
            bodies += read
            if bodies >= READ_TOGETHER or uow.box.database.is_awaited():
                if left:
                    envelope.bodies = left
                    uow.emit(WebhooksAccepted(channel_id))
                return


def read_all(uow: UnitOfWork) -> int:
    """Everything that waits for the organisation. Returns how many envelopes it was; only one at a time is in memory."""
    waiting = uow.session.scalars(locked(select(Envelope.id).order_by(Envelope.received_at, Envelope.id))).all()
    for envelope in _each(uow, waiting):
        for _part in _in_parts(uow, envelope):
            continue
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


def _in_parts(uow: UnitOfWork, envelope: Envelope) -> Iterator[tuple[int, list[str]]]:
    """How many bodies were read, and those that are left. The envelope is gone with its last one."""
    channel, bodies = uow.session.get(Channel, envelope.channel_id), envelope.bodies
    for start in range(0, len(bodies), READ_AT_ONCE):
        part, left = bodies[start : start + READ_AT_ONCE], bodies[start + READ_AT_ONCE :]
        if channel is not None:  # else it was deleted, and with it what was said there
            _read_together(uow, channel, part)
        if not left:
            uow.session.delete(envelope)
            uow.session.flush()
        yield len(part), left


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
