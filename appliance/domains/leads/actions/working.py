"""What people do with leads, and what follows their persons."""

from uuid import UUID

from sqlalchemy import delete, select, update

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.leads import queries
from appliance.domains.leads.actions.waiting import capture_all_waiting
from appliance.domains.leads.events import LeadChanged, LeadConverted
from appliance.domains.leads.schemas import LeadPatch
from appliance.domains.leads.tables import Lead, LeadEvent
from appliance.domains.leads.types import LeadStatus


def change_lead(uow: UnitOfWork, lead_id: UUID, given: LeadPatch) -> Lead:
    """Raises LeadNotFound."""
    lead = queries.lock_lead(uow, lead_id)
    if "score" in given.model_fields_set:
        lead.score = given.score
    if "status" in given.model_fields_set and given.status is not lead.status:
        _move_to(uow, lead, given.status)
    if uow.session.is_modified(lead):
        lead.changed_at = uow.now
        uow.emit(LeadChanged(lead.id))
    return lead


def convert_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    """It became a customer. Once is enough: the second time changes nothing. Raises LeadNotFound."""
    return change_lead(uow, lead_id, LeadPatch(status=LeadStatus.CONVERTED))


def _move_to(uow: UnitOfWork, lead: Lead, status: LeadStatus) -> None:
    lead.status = status
    lead.converted_at = uow.now if status is LeadStatus.CONVERTED else None
    if status is LeadStatus.CONVERTED:
        contacts.add_timeline_entry(uow, lead.contact_id, kind="lead.converted", object_id=lead.id)
        uow.emit(LeadConverted(lead.id, lead.contact_id))


def move_leads(uow: UnitOfWork, *, merge_id: UUID, from_id: UUID, to_id: UUID) -> None:
    uow.session.execute(update(Lead).where(Lead.contact_id == from_id).values(contact_id=to_id, moved_by_merge_id=merge_id))


def move_leads_back(uow: UnitOfWork, *, merge_id: UUID, to_id: UUID) -> None:
    uow.session.execute(update(Lead).where(Lead.moved_by_merge_id == merge_id).values(contact_id=to_id, moved_by_merge_id=None))


def erase_contact(uow: UnitOfWork, contact_id: UUID) -> int:
    """The person's leads with all that came for them, and what was kept aside and names them.

    What waits may be of this person, and only reading tells: so it is read first.
    """
    capture_all_waiting(uow)
    gone = uow.session.scalars(delete(Lead).where(Lead.contact_id == contact_id).returning(Lead.id)).all()
    known = people.list_known_forms(uow, contact_id)
    aside = select(LeadEvent.id, LeadEvent.body).where(*queries.IS_REJECTED).execution_options(yield_per=100)
    theirs = [event_id for event_id, body in (uow.session.execute(aside) if known else ()) if people.mentions(body, known)]
    for event_id in theirs:
        uow.session.execute(delete(LeadEvent).where(LeadEvent.id == event_id))
    return len(gone) + len(theirs)
