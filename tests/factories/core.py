"""What the spine itself keeps for a tenant."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.core.uow import UnitOfWork


def make_dead_delivery(uow: UnitOfWork) -> UUID:
    row = OutboxRow(tenant_id=uow.tenant_id, id=new_id(), name="thing.happened", payload={}, emitted_at=uow.now)
    uow.session.add(row)
    uow.session.flush()
    delivery = Delivery(
        id=new_id(), tenant_id=uow.tenant_id, event_seq=row.seq, subscriber="nobody.listens", queue="default",
        state=DeliveryState.DEAD, attempts=12, next_at=uow.now, last_error="The provider was away.",
    )  # fmt: skip
    uow.session.add(delivery)
    return delivery.id


PATH_PARAMETERS = {"delivery_id": make_dead_delivery}
