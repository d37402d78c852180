from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core.uow import UnitOfWork
from appliance.domains.leads.tables import RejectedLead

KEPT_BODY = 65_536
KEPT_EACH = 100  # of each source and reason: strangers push out only what strangers sent


def keep_rejected(uow: UnitOfWork, source_id: UUID, reason: str, body: bytes) -> None:
    text = body.decode("utf-8", "replace").replace("\x00", "")[:KEPT_BODY]
    uow.session.add(RejectedLead(tenant_id=uow.tenant_id, source_id=source_id, reason=reason[:60], body=text, received_at=uow.now))
    uow.session.flush()
    kept = select(RejectedLead.id).where(RejectedLead.source_id == source_id, RejectedLead.reason == reason)
    too_many = kept.order_by(RejectedLead.received_at.desc(), RejectedLead.id.desc()).offset(KEPT_EACH).limit(KEPT_EACH)
    if old := uow.session.scalars(too_many).all():
        uow.session.execute(delete(RejectedLead).where(RejectedLead.id.in_(old)))


def prune_rejected(uow: UnitOfWork, *, kept_for: timedelta) -> None:
    """Of the whole box."""
    uow.session.execute(delete(RejectedLead).where(RejectedLead.received_at < uow.now - kept_for))
