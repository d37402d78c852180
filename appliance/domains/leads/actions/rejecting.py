from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core.uow import UnitOfWork
from appliance.domains.leads.queries import IS_REJECTED
from appliance.domains.leads.tables import LeadEvent

KEPT_BODY = 65_536
KEPT_EACH = 100  # of each source and reason: strangers push out only what strangers sent


def keep_rejected(uow: UnitOfWork, source_id: UUID, reason: str, body: bytes) -> None:
    """What was refused at the door."""
    text = body.decode("utf-8", "replace").replace("\x00", "")[:KEPT_BODY]
    uow.session.add(LeadEvent(tenant_id=uow.tenant_id, source_id=source_id, reason=reason[:60], body=text, received_at=uow.now))
    uow.session.flush()
    alike = LeadEvent.source_id == source_id, LeadEvent.reason == reason, LeadEvent.event_key.is_(None)
    newest_first = LeadEvent.received_at.desc(), LeadEvent.id.desc()
    too_many = select(LeadEvent.id).where(*alike, *IS_REJECTED).order_by(*newest_first).offset(KEPT_EACH).limit(KEPT_EACH)
    if old := uow.session.scalars(too_many).all():
        uow.session.execute(delete(LeadEvent).where(LeadEvent.id.in_(old)))


def prune_rejected(uow: UnitOfWork, *, kept_for: timedelta) -> None:
    """Of the whole box."""
    uow.session.execute(delete(LeadEvent).where(LeadEvent.received_at < uow.now - kept_for, *IS_REJECTED))
