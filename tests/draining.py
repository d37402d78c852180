"""Working without a queue: what is due is run here, in order, in this thread."""

from sqlalchemy import and_, select

from appliance.core import deliveries, jobs
from appliance.core.box import Box
from appliance.core.outbox import Delivery, DeliveryState, Owed, owed


def list_due(box: Box) -> list[Owed]:
    """Every head that is due, told to the queue or not."""
    with box.whole_box("test") as uow:
        deliveries.hold(uow)  # as the relay does: what it holds is due no more
        due = and_(Delivery.state == DeliveryState.PENDING, Delivery.next_at <= uow.now, ~deliveries._blocked())
        return owed(uow.session.scalars(select(Delivery).where(due).order_by(Delivery.event_seq)))


def run_due(box: Box) -> int:
    """Until nothing is due, as workers would. Returns how many ran."""
    ran = 0
    while found := list_due(box):
        for one in found:
            jobs.deliver(box, one.tenant_id, one.delivery_id)
        ran += len(found)
    return ran


def due_for(box: Box, subscriber: str) -> list[Owed]:
    found = list_due(box)
    with box.whole_box("test", read_only=True) as uow:
        return [one for one in found if deliveries.get_delivery(uow, one.delivery_id).subscriber == subscriber]
