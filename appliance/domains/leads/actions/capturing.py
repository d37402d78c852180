"""From a payload to a lead and its person, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.errors import ConsentRefused, InvalidField
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.types import Channel, ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.leads import queries
from appliance.domains.leads.errors import NobodyNamed, SourceSilent, WebhookRefused
from appliance.domains.leads.events import LeadAnnounced, LeadCaptured, LeadChanged
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.tables import Lead, LeadEvent, LeadSource
from appliance.domains.leads.types import Arrived, Captured, LeadField, Reading

KEPT_BODY = 1_048_576
_LONGEST = {"name": 200, "company": 200, "email": 320, "phone": 60, "document": 30, "region": 120}
_IN_FIELDS = {LeadField(name): name for name in _LONGEST}
_MOST_TAGS = 50


class _Person(Protocol):
    @property
    def id(self) -> UUID: ...


def capture_lead(uow: UnitOfWork, source_id: UUID, arrived: Arrived) -> Captured:
    """The same event again gives the first result and changes nothing. Raises SourceNotFound, SourceSilent, NobodyNamed, WebhookRefused.

    Of two that bring one event at once the second meets IntegrityError, and the first result when it tries again.
    """
    source = queries.get_source(uow, source_id)
    if not source.active:
        raise SourceSilent
    reading = queries.read_payload(source.mapping, arrived.payload)
    key = mapping.event_key(arrived.event_id or reading.get(LeadField.EVENT_ID), arrived.body.encode())
    if (known := queries.find_by_event(uow, source.id, key)) is not None:
        return Captured(known.id, known.contact_id)
    if arrived.nonce and queries.is_nonce_known(uow, source.id, arrived.nonce):
        raise WebhookRefused("replayed", _("This nonce was used before. Send a new one with each event."))
    if arrived.signature and queries.is_signature_known(uow, source.id, arrived.signature):  # neither id nor nonce is signed
        raise WebhookRefused("replayed", _("This signature was used before, for another event. Sign each event with its own time."))
    return _store(uow, source, reading, key, arrived)


def announce_leads(uow: UnitOfWork, source_id: UUID, leadgen_ids: Sequence[str]) -> None:
    """Those that are not here yet are fetched after the commit."""
    known = queries.known_events(uow, source_id, leadgen_ids)
    uow.emit_all(LeadAnnounced(source_id, leadgen_id) for leadgen_id in leadgen_ids if leadgen_id not in known)


def _store(uow: UnitOfWork, source: LeadSource, reading: Reading, key: str, arrived: Arrived) -> Captured:
    contact = _store_person(uow, source, reading)  # held, so that the session reads it once
    external_id = reading.get(LeadField.EXTERNAL_ID)[:200]
    since = uow.now - timedelta(hours=source.dedupe_hours) if source.dedupe_hours else None
    lead = queries.find_same(uow, source.id, contact.id, external_id=external_id, since=since)
    if lead is None:
        lead = _new_lead(uow, source, contact.id, reading, external_id)
    else:
        _repeat(uow, lead, reading)
    uow.session.add(
        LeadEvent(
            tenant_id=uow.tenant_id, source_id=source.id, lead_id=lead.id, event_key=key, nonce=arrived.nonce[:120],
            signature=arrived.signature or None, body=arrived.body[:KEPT_BODY], received_at=uow.now,
        )
    )  # fmt: skip
    uow.session.flush()
    if mapping.is_yes(reading.get(LeadField.CONSENT)):
        evidence = {"text": reading.get(LeadField.CONSENT_TEXT), **arrived.evidence, "lead_id": str(lead.id)}
        _take_consent(uow, source, contact.id, reading, evidence)
    return Captured(lead.id, contact.id)


def _new_lead(uow: UnitOfWork, source: LeadSource, contact_id: UUID, reading: Reading, external_id: str) -> Lead:
    lead = Lead(
        tenant_id=uow.tenant_id, source_id=source.id, contact_id=contact_id, external_id=external_id or None,
        score=mapping.score_of(reading.get(LeadField.SCORE)), utm=reading.utm(), captured_at=uow.now, changed_at=uow.now,
    )  # fmt: skip
    uow.session.add(lead)
    uow.session.flush()
    contacts.add_timeline_entry(uow, contact_id, kind="lead.captured", object_id=lead.id, summary=source.name)
    uow.emit(LeadCaptured(lead.id, contact_id, source.id))
    return lead


def _repeat(uow: UnitOfWork, lead: Lead, reading: Reading) -> None:
    lead.times += 1
    lead.changed_at, lead.utm = uow.now, {**lead.utm, **reading.utm()}
    score = mapping.score_of(reading.get(LeadField.SCORE))
    lead.score = lead.score if score is None else score
    uow.emit(LeadChanged(lead.id))


def _store_person(uow: UnitOfWork, source: LeadSource, reading: Reading) -> _Person:
    """Completes whom it finds, overwrites nothing, and gives them no address: that was typed by anybody, and stays in the payload."""
    external_id = reading.get(LeadField.EXTERNAL_ID)
    ids = [Identity(IdentityKind.EXTERNAL, external_id[:320], source.id.hex)] if external_id else []
    given = _given(reading)
    if (not given and not ids) or _leaves_no_address(source, reading):
        raise NobodyNamed
    given["tags"] = _tags(reading, source)
    while True:
        try:
            return contacts.upsert_contact(uow, ids, fields=ContactFields.model_validate(given), claimed=True)
        except InvalidField as err:
            if given.pop(err.field, None) is None:
                raise
            if not ids and not given.keys() - {"tags"}:
                raise NobodyNamed from err


def _leaves_no_address(source: LeadSource, reading: Reading) -> bool:
    """A form that asks where to answer, and was not told."""
    asked = {LeadField.EMAIL, LeadField.PHONE} & set((source.form or {}).get("fields", ()))
    return bool(asked) and not (reading.get(LeadField.EMAIL) or reading.get(LeadField.PHONE))


def _given(reading: Reading) -> dict[str, Any]:
    values = {column: reading.get(name)[: _LONGEST[column]] for name, column in _IN_FIELDS.items()}
    if not values["name"]:
        parts = (reading.get(LeadField.FIRST_NAME), reading.get(LeadField.LAST_NAME))
        values["name"] = " ".join(filter(None, parts))[: _LONGEST["name"]]
    return {column: value for column, value in values.items() if value}


def _tags(reading: Reading, source: LeadSource) -> list[str]:
    said = [tag.strip()[:60] for tag in reading.get(LeadField.TAGS).split(",")]
    return [*source.tags, *filter(None, said)][:_MOST_TAGS]


def _take_consent(uow: UnitOfWork, source: LeadSource, contact_id: UUID, reading: Reading, evidence: Mapping[str, str]) -> None:
    """For each address that was given and is theirs, if they never said anything about it: who said no is not brought back by a form."""
    given = {
        Channel.WHATSAPP: Identity(IdentityKind.PHONE, reading.get(LeadField.PHONE)),
        Channel.EMAIL: Identity(IdentityKind.EMAIL, reading.get(LeadField.EMAIL)),
    }
    for channel in (channel for channel, identity in given.items() if people.is_theirs(uow, contact_id, identity)):
        if people.latest_mode(uow, contact_id, channel, Purpose.MARKETING) is not None:
            continue
        said = ConsentIn(
            channel=channel, purpose=Purpose.MARKETING, mode=ConsentMode.OPT_IN, source=f"lead: {source.name}"[:80], evidence=dict(evidence)
        )
        try:
            contacts.record_consent(uow, contact_id, said)
        except ConsentRefused:  # a minor
            return
