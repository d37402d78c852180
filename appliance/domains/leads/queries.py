from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery, Schema
from appliance.domains.contacts import queries as contacts
from appliance.domains.leads.errors import LeadNotFound, SourceNotFound
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.schemas import LeadEventOut, LeadOut, LeadsQuery
from appliance.domains.leads.tables import Lead, LeadEvent, LeadSource, RejectedLead
from appliance.domains.leads.types import Doorway, LeadField, LeadStatus, Reading

SECRET = "signing_secret"  # noqa: S105 - its name among the secrets of a source


def get_source(uow: UnitOfWork, source_id: UUID) -> LeadSource:
    return required(uow.session.get(LeadSource, source_id), SourceNotFound)


def lock_source(uow: UnitOfWork, source_id: UUID) -> LeadSource:
    return required(uow.session.scalar(locked(select(LeadSource).where(LeadSource.id == source_id))), SourceNotFound)


def find_doorway(uow: UnitOfWork, source_id: UUID) -> Doorway:
    """Whose source it is; needs the box scope. Raises SourceNotFound, also for one that is switched off."""
    source = required(uow.session.scalar(select(LeadSource).where(LeadSource.id == source_id, LeadSource.active)), SourceNotFound)
    return Doorway(source.id, source.tenant_id, source.kind, source.name, source.secrets, source.form)


def list_sources(uow: UnitOfWork, query: PageQuery) -> Page[LeadSource]:
    return read_page(uow, select(LeadSource).order_by(LeadSource.created_at, LeadSource.id), query)


def count_by_status(uow: UnitOfWork, source_ids: Collection[UUID] | None = None) -> Mapping[UUID, Mapping[LeadStatus, int]]:
    """Source -> status -> leads."""
    counting = select(Lead.source_id, Lead.status, func.count(Lead.id)).group_by(Lead.source_id, Lead.status)
    if source_ids is not None:
        counting = counting.where(Lead.source_id.in_(source_ids))
    counts: dict[UUID, dict[LeadStatus, int]] = {}
    for source_id, status, number in uow.session.execute(counting):
        counts.setdefault(source_id, {})[status] = number
    return counts


def has_leads(uow: UnitOfWork, source_id: UUID) -> bool:
    return uow.session.scalar(select(Lead.id).where(Lead.source_id == source_id).limit(1)) is not None


def get_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    return required(uow.session.get(Lead, lead_id), LeadNotFound)


def lock_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    return required(uow.session.scalar(locked(select(Lead).where(Lead.id == lead_id))), LeadNotFound)


def list_leads(uow: UnitOfWork, query: LeadsQuery) -> Page[Lead]:
    found = select(Lead)
    if query.status:
        found = found.where(Lead.status == query.status)
    if query.source_id:
        found = found.where(Lead.source_id == query.source_id)
    if query.contact_id:
        found = found.where(Lead.contact_id == contacts.get_contact(uow, query.contact_id).id)
    return read_page(uow, found.order_by(Lead.captured_at.desc(), Lead.id.desc()), query)


def list_events(uow: UnitOfWork, lead_id: UUID) -> Sequence[LeadEvent]:
    """What came for it, newest first."""
    theirs = select(LeadEvent).where(LeadEvent.lead_id == lead_id)
    return uow.session.scalars(theirs.order_by(LeadEvent.received_at.desc(), LeadEvent.id.desc()).limit(50)).all()


def find_by_event(uow: UnitOfWork, source_id: UUID, event_key: str) -> Lead | None:
    by_event = select(Lead).join(LeadEvent, LeadEvent.lead_id == Lead.id)
    return uow.session.scalar(by_event.where(LeadEvent.source_id == source_id, LeadEvent.event_key == event_key))


def is_event_known(uow: UnitOfWork, source_id: UUID, event_id: str) -> bool:
    """Whether the sender's id was taken already."""
    return find_by_event(uow, source_id, mapping.event_key(event_id, b"")) is not None


def known_events(uow: UnitOfWork, source_id: UUID, event_ids: Sequence[str]) -> frozenset[str]:
    """Those of the sender's ids that were taken already."""
    keys = {mapping.event_key(event_id, b""): event_id for event_id in event_ids}
    taken = select(LeadEvent.event_key).where(LeadEvent.source_id == source_id, LeadEvent.event_key.in_(keys))
    return frozenset(keys[key] for key in uow.session.scalars(taken))


def is_nonce_known(uow: UnitOfWork, source_id: UUID, nonce: str) -> bool:
    known = select(LeadEvent.id).where(LeadEvent.source_id == source_id, LeadEvent.nonce == nonce)
    return uow.session.scalar(known.limit(1)) is not None


def is_signature_known(uow: UnitOfWork, source_id: UUID, signature: str) -> bool:
    known = select(LeadEvent.id).where(LeadEvent.source_id == source_id, LeadEvent.signature == signature)
    return uow.session.scalar(known.limit(1)) is not None


def find_same(uow: UnitOfWork, source_id: UUID, contact_id: UUID, *, external_id: str, since: datetime | None) -> Lead | None:
    """The lead this would be again: by the sender's own id for ever, by the person since a moment."""
    theirs = select(Lead).where(Lead.source_id == source_id, Lead.contact_id == contact_id).order_by(Lead.captured_at.desc()).limit(1)
    if external_id and (known := uow.session.scalar(locked(theirs.where(Lead.external_id == external_id)))):
        return known
    return uow.session.scalar(locked(theirs.where(Lead.captured_at >= since))) if since else None


def read_payload(given: Mapping[LeadField, str] | Mapping[str, str], payload: object) -> Reading:
    """What a payload says under a mapping."""
    return mapping.read(payload, {str(name): path for name, path in given.items()}, contacts.guess_mapping)


def list_rejected(uow: UnitOfWork, source_id: UUID, query: PageQuery) -> Page[RejectedLead]:
    of_source = select(RejectedLead).where(RejectedLead.source_id == get_source(uow, source_id).id)
    return read_page(uow, of_source.order_by(RejectedLead.received_at.desc(), RejectedLead.id.desc()), query)


def export_contact(uow: UnitOfWork, contact_id: UUID) -> Mapping[str, object]:
    """The person's leads with what came for each, as JSON-ready values."""
    leads = uow.session.scalars(select(Lead).where(Lead.contact_id == contact_id).order_by(Lead.id)).all()
    came = select(LeadEvent).join(Lead, Lead.id == LeadEvent.lead_id).where(Lead.contact_id == contact_id).order_by(LeadEvent.id)
    events: dict[UUID, list[object]] = {lead.id: [] for lead in leads}
    for event in uow.session.scalars(came):
        events[event.lead_id].append(_plain(LeadEventOut, event))
    return {"leads": [{**_plain(LeadOut, lead), "events": events[lead.id]} for lead in leads]}


def _plain(schema: type[Schema], row: object) -> dict[str, object]:
    return schema.model_validate(row).model_dump(mode="json")
