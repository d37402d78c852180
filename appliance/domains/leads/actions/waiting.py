"""From what was kept to leads: in the order it came, each in the transaction that marks it, so that none is lost or read twice.

What waits is read and understood first, with nobody's turn to write taken; the turn then only looks whether that still holds, and writes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import defer

from appliance.core.rows import PASSING, SPOILS, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import Foreseen, Unforeseen
from appliance.domains.leads import queries
from appliance.domains.leads.actions.agreeing import agrees, is_free_to_agree
from appliance.domains.leads.actions.capturing import capture_event, capture_foreseen, named_in
from appliance.domains.leads.errors import NobodyNamed
from appliance.domains.leads.events import SourceChanged
from appliance.domains.leads.tables import LeadEvent, LeadSource
from appliance.domains.leads.types import Reading, Understood

CAPTURED_TOGETHER = 8  # in one transaction at most: other workers wait meanwhile
log = structlog.get_logger()


@dataclass(frozen=True)
class Waiting:
    """The oldest of a source, as they were understood."""

    source: LeadSource
    events: Sequence[Understood]


def read_waiting(uow: UnitOfWork, source_id: UUID) -> Waiting:
    """Raises SourceNotFound."""
    source = queries.get_source(uow, source_id)
    waiting = select(LeadEvent.id, LeadEvent.body).where(LeadEvent.source_id == source.id, *queries.IS_WAITING)
    oldest = waiting.order_by(LeadEvent.received_at, LeadEvent.id).limit(CAPTURED_TOGETHER)
    return Waiting(source, _foresee(uow, source, [_understand(source, *row) for row in uow.session.execute(oldest)]))


def capture(uow: UnitOfWork, waiting: Waiting) -> None:
    """Fewer while somebody waits who accepts. Nobody captures later ones meanwhile: these are held."""
    held = _hold(uow, waiting.events)
    _capture_foreseen(uow, waiting.source, held, [event for event in waiting.events if event.event_id in held])
    left = [event for event in waiting.events if event.event_id in held and held[event.event_id].lead_id is None]
    if any(list(_one_by_one(uow, waiting.source, held, left, begun=len(left) < len(held)))):
        uow.emit(SourceChanged(waiting.source.id))


def capture_all_waiting(uow: UnitOfWork) -> None:
    """Of the whole organisation."""
    for source_id in uow.session.scalars(select(LeadEvent.source_id).where(*queries.IS_WAITING).distinct()).all():
        while (waiting := read_waiting(uow, source_id)).events:
            capture(uow, waiting)


def _understand(source: LeadSource, event_id: UUID, body: str) -> Understood:
    try:
        return Understood(event_id, queries.read_payload(source.mapping, json.loads(body)))
    except SPOILS as err:
        return Understood(event_id, Reading(), unreadable=_spoilt(err))


def _foresee(uow: UnitOfWork, source: LeadSource, events: Sequence[Understood]) -> list[Understood]:
    """Without those that hang on an earlier one: they are the oldest once that is captured."""
    people = _people_of(uow, source, events)
    found = [(event, people.get(event.event_id)) for event in events]
    return [replace(event, person=_by_then(source, event, person)) for event, person in found if person is not Unforeseen.LATER]


def _people_of(uow: UnitOfWork, source: LeadSource, events: Sequence[Understood]) -> Mapping[UUID, Foreseen | Unforeseen]:
    """Nobody where one of them cannot be read: each is captured alone then, and what is at fault is told when it is its turn."""
    named = {}
    for event in events:
        with suppress(*SPOILS):
            named[event.event_id] = named_in(source, event.reading)
    try:
        with uow.session.begin_nested():
            return dict(zip(named, contacts.foresee(uow, list(named.values())), strict=True))
    except PASSING:
        raise
    except SPOILS as err:
        log.info("leads_unforeseen", error=type(err).__name__)
        return {}


def _by_then(source: LeadSource, event: Understood, person: Foreseen | Unforeseen | None) -> Foreseen | None:
    """Somebody known who agrees is captured alone: what they said before counts."""
    if not isinstance(person, Foreseen) or (agrees(event.reading) and not is_free_to_agree(source, person)):
        return None
    return person


def _hold(uow: UnitOfWork, events: Sequence[Understood]) -> Mapping[UUID, LeadEvent]:
    """Those that still wait."""
    still = select(LeadEvent).where(LeadEvent.id.in_([event.event_id for event in events]), *queries.IS_WAITING)
    return {row.id: row for row in uow.session.scalars(locked(still.order_by(LeadEvent.id).options(defer(LeadEvent.body))))}


def _capture_foreseen(uow: UnitOfWork, source: LeadSource, held: Mapping[UUID, LeadEvent], events: Sequence[Understood]) -> None:
    try:
        with uow.session.begin_nested():
            capture_foreseen(uow, source, held, events)
    except PASSING:
        raise
    except SPOILS as err:
        log.info("leads_one_by_one", error=type(err).__name__)


def _one_by_one(
    uow: UnitOfWork, source: LeadSource, held: Mapping[UUID, LeadEvent], events: Sequence[Understood], *, begun: bool
) -> Iterator[str]:
    """Why each is none; empty for a lead."""
    for event in events:
        if begun and uow.box.database.is_awaited():
            return
        begun = True
        reason = event.unreadable or _capture(uow, source, event)
        if reason:
            held[event.event_id].reason = reason[:60]
        yield reason


def _capture(uow: UnitOfWork, source: LeadSource, event: Understood) -> str:
    """Why not; empty when it is a lead now. What is at fault holds nobody up."""
    try:
        with uow.session.begin_nested():
            capture_event(uow, source, event.event_id, event.reading, {})
            return ""
    except NobodyNamed:
        return "names_nobody"
    except PASSING:
        raise
    except SPOILS as err:
        return _spoilt(err)


def _spoilt(err: Exception) -> str:
    log.warning("lead_spoilt", error=type(err).__name__)
    return f"unreadable_{type(err).__name__}"
