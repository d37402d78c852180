"""From a payload to a lead and its person, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import update

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.leads import queries
from appliance.domains.leads.actions.accepting import keep_parcels
from appliance.domains.leads.actions.agreeing import Agreed, agrees, take_consent, take_consents
from appliance.domains.leads.errors import NobodyNamed, SourceSilent, WebhookRefused
from appliance.domains.leads.events import LeadAnnounced, LeadCaptured, LeadChanged
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.tables import Lead, LeadEvent, LeadSource
from appliance.domains.leads.types import Arrived, Captured, LeadField, Parcel, Reading, Understood

_LONGEST = {"name": 200, "company": 200, "email": 320, "phone": 60, "document": 30, "region": 120}
_IN_FIELDS = {LeadField(name): name for name in _LONGEST}
_MOST_TAGS = 50


class _Person(Protocol):
    @property
    def id(self) -> UUID: ...


def capture_lead(uow: UnitOfWork, source_id: UUID, arrived: Arrived) -> Captured:
    """The same event again gives the first result and changes nothing. Raises SourceNotFound, SourceSilent, NobodyNamed, WebhookRefused."""
    source = queries.get_source(uow, source_id)
    if not source.active:
        raise SourceSilent
    reading = queries.read_payload(source.mapping, arrived.payload)
    key = mapping.event_key(arrived.event_id or reading.get(LeadField.EVENT_ID), arrived.body.encode())
    [kept], new = keep_parcels(uow, source.id, [Parcel(key, arrived.body, arrived.nonce, arrived.signature)])
    if isinstance(kept, WebhookRefused):
        raise kept
    known = None if new else queries.lock_receipt(uow, kept.id)
    if known and known.lead_id and known.contact_id:
        return Captured(known.lead_id, known.contact_id)
    return capture_event(uow, source, kept.id, reading, arrived.evidence)


def announce_leads(uow: UnitOfWork, source_id: UUID, leadgen_ids: Sequence[str]) -> None:
    """Those that are not here yet are fetched after the commit."""
    known = queries.known_events(uow, source_id, leadgen_ids)
    uow.emit_all(LeadAnnounced(source_id, leadgen_id) for leadgen_id in leadgen_ids if leadgen_id not in known)


def capture_event(uow: UnitOfWork, source: LeadSource, event_id: UUID, reading: Reading, evidence: Mapping[str, str]) -> Captured:
    """Nobody else may be at it: it is new, or held. Raises NobodyNamed."""
    contact = _store_person(uow, source, reading)  # held, so that the session reads it once
    lead = store_leads(uow, source, {contact.id: reading})[contact.id]
    uow.session.execute(update(LeadEvent).where(LeadEvent.id == event_id).values(lead_id=lead.id, reason=None))
    take_consent(uow, source, contact.id, reading, {**evidence, "lead_id": str(lead.id)})
    return Captured(lead.id, contact.id)


def capture_foreseen(uow: UnitOfWork, source: LeadSource, held: Mapping[UUID, LeadEvent], events: Sequence[Understood]) -> None:
    """All of them at once of whom still holds what was foreseen. An IntegrityError says that somebody else was quicker."""
    people = {event.person.contact_id: event for event in events if event.person}
    there = contacts.upsert_foreseen(uow, [event.person for event in people.values() if event.person])
    leads = store_leads(uow, source, {contact_id: event.reading for contact_id, event in people.items() if contact_id in there})
    for contact_id, lead in leads.items():
        held[people[contact_id].event_id].lead_id = lead.id
    uow.session.flush()
    agreed = [event for contact_id, event in people.items() if contact_id in leads and agrees(event.reading)]
    take_consents(uow, source, [Agreed(event.person, leads[event.person.contact_id].id, event.reading) for event in agreed if event.person])


def store_leads(uow: UnitOfWork, source: LeadSource, readings: Mapping[UUID, Reading]) -> dict[UUID, Lead]:
    """Contact -> the lead: a new one, or the one it is again."""
    again = queries.find_again(uow, source, {contact_id: _external_id(reading) for contact_id, reading in readings.items()})
    for contact_id, lead in again.items():
        _repeat(lead, readings[contact_id], uow.now)
    uow.emit_all(LeadChanged(lead.id) for lead in again.values())
    return again | _new_leads(uow, source, {contact_id: said for contact_id, said in readings.items() if contact_id not in again})


def _new_leads(uow: UnitOfWork, source: LeadSource, readings: Mapping[UUID, Reading]) -> dict[UUID, Lead]:
    leads = {contact_id: _new_lead(uow, source, contact_id, reading) for contact_id, reading in readings.items()}
    uow.session.add_all(leads.values())
    uow.session.flush()
    contacts.add_timeline_entries(uow, "lead.captured", {lead.id: contact_id for contact_id, lead in leads.items()}, summary=source.name)
    uow.emit_all(LeadCaptured(lead.id, contact_id, source.id) for contact_id, lead in leads.items())
    return leads


def _new_lead(uow: UnitOfWork, source: LeadSource, contact_id: UUID, reading: Reading) -> Lead:
    return Lead(
        id=new_id(), tenant_id=uow.tenant_id, source_id=source.id, contact_id=contact_id, external_id=_external_id(reading) or None,
        score=mapping.score_of(reading.get(LeadField.SCORE)), utm=reading.utm(), captured_at=uow.now, changed_at=uow.now,
    )  # fmt: skip


def _external_id(reading: Reading) -> str:
    return reading.get(LeadField.EXTERNAL_ID)[:200]


def _repeat(lead: Lead, reading: Reading, now: datetime) -> None:
    lead.times += 1
    lead.changed_at, lead.utm = now, {**lead.utm, **reading.utm()}
    score = mapping.score_of(reading.get(LeadField.SCORE))
    lead.score = lead.score if score is None else score


def _store_person(uow: UnitOfWork, source: LeadSource, reading: Reading) -> _Person:
    """Completes whom it finds, overwrites nothing, and gives them no address: that was typed by anybody, and stays in the payload."""
    ids, given = _read_person(source, reading)
    while True:
        try:
            return contacts.upsert_contact(uow, ids, fields=ContactFields.model_validate(given), claimed=True)
        except InvalidField as err:
            if given.pop(err.field, None) is None:
                raise
            if not (ids or _names_somebody(given)):
                raise NobodyNamed from err


def _read_person(source: LeadSource, reading: Reading) -> tuple[list[Identity], dict[str, Any]]:
    """Raises NobodyNamed."""
    external_id = reading.get(LeadField.EXTERNAL_ID)
    ids = [Identity(IdentityKind.EXTERNAL, external_id[:320], source.id.hex)] if external_id else []
    given = _given(reading)
    if not (ids or _names_somebody(given)) or _leaves_no_address(source, reading):
        raise NobodyNamed
    return ids, {**given, "tags": _tags(reading, source)}


def named_in(source: LeadSource, reading: Reading) -> people.Named:
    """Whom it names. Raises NobodyNamed."""
    ids, given = _read_person(source, reading)
    return ids, ContactFields.model_validate(given)


def _leaves_no_address(source: LeadSource, reading: Reading) -> bool:
    """A form that asks where to answer, and was not told."""
    asked = {LeadField.EMAIL, LeadField.PHONE} & set((source.form or {}).get("fields", ()))
    return bool(asked) and not (reading.get(LeadField.EMAIL) or _has_digit(reading.get(LeadField.PHONE)))


def _names_somebody(given: Mapping[str, Any]) -> bool:
    """A phone without a digit says nothing by itself; beside a name it is kept, and flagged."""
    return any(column != "phone" or _has_digit(said) for column, said in given.items() if column != "tags")


def _has_digit(phone: str) -> bool:
    return any(letter.isdecimal() for letter in phone)


def _given(reading: Reading) -> dict[str, Any]:
    values = {column: reading.get(name)[: _LONGEST[column]] for name, column in _IN_FIELDS.items()}
    if not values["name"]:
        parts = (reading.get(LeadField.FIRST_NAME), reading.get(LeadField.LAST_NAME))
        values["name"] = " ".join(filter(None, parts))[: _LONGEST["name"]]
    return {column: value for column, value in values.items() if value}


def _tags(reading: Reading, source: LeadSource) -> list[str]:
    said = [tag.strip()[:60] for tag in reading.get(LeadField.TAGS).split(",")]
    return [*source.tags, *filter(None, said)][:_MOST_TAGS]
