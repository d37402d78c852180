"""After the 200: what the kept webhooks say becomes messages and statuses, and the envelope goes, in one transaction."""

import json
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.core.errors import DomainError, Unavailable
from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.receive import drop_rejected_of, keep_rejected, receive_changes
from appliance.domains.channels.gateways.cloud import inbound
from appliance.domains.channels.tables import Envelope
from appliance.domains.channels.types import Doorway
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations import actions as conversations

PASSING = (OperationalError, InterfaceError, PoolTimeout, Unavailable)  # nobody's fault: the whole envelope comes again
# What one body can do to those it came with. It is then read alone, and kept aside if it is at fault.
SPOILS = (SQLAlchemyError, DomainError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RecursionError)
READ_TOGETHER = 16  # bodies; a longer transaction would keep those waiting who accept
log = structlog.get_logger()


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


def erase_contact(uow: UnitOfWork, contact_id: UUID) -> int:
    """What waits to be read may be about this person, and only reading tells: so it is read first, then all of it goes.

    One transaction, however much waits: an erasure that was committed in parts could end between what was read and what goes,
    and nobody would hold the person's name any more to go on with. Only one envelope at a time is in memory.
    """
    waiting = uow.session.scalars(locked(select(Envelope.id).order_by(Envelope.received_at, Envelope.id))).all()
    for envelope in _each(uow, waiting):
        _take_in(uow, envelope)
    said = conversations.erase_contact(uow, contact_id) if waiting else 0
    return said + drop_rejected_of(uow, contacts.list_known_forms(uow, contact_id))


def _take_in(uow: UnitOfWork, envelope: Envelope) -> None:
    bodies, doorway = envelope.bodies, queries.find_doorway(uow, envelope.channel_id)
    if doorway is not None:  # else the channel was deleted, and with it what was said there
        _read_together(uow, doorway, bodies)
    uow.session.delete(envelope)
    uow.session.flush()


def _read_together(uow: UnitOfWork, doorway: Doorway, bodies: Sequence[str]) -> None:
    try:
        with uow.session.begin_nested():
            changes = [change for body in bodies for change in inbound.changes_of(json.loads(body))]
            receive_changes(uow, [(doorway, change) for change in changes])
    except PASSING:
        raise
    except SPOILS as err:
        log.warning("envelope_spoilt", size=len(bodies), error=type(err).__name__)
        if len(bodies) == 1:
            keep_rejected(uow, doorway.channel_id, [(f"unreadable_{type(err).__name__}", bodies[0])])
            return
        for body in bodies:
            _read_together(uow, doorway, [body])
