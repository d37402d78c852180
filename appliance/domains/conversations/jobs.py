from datetime import timedelta

from appliance.core.box import Box
from appliance.domains.conversations import actions, queries

STUCK_AFTER = timedelta(minutes=15)


def remind_of_waiting(box: Box) -> None:
    """Contacts handed to people and not yet answered by one: say so again, tenant by tenant."""
    with box.whole_box("waiting contacts", read_only=True) as uow:
        tenants = queries.list_tenants_with_waiting(uow)
    for tenant_id in tenants:
        with box.unit(tenant_id) as uow:
            actions.remind_of_waiting(uow)


def wake_snoozed(box: Box) -> None:
    with box.whole_box("snoozed conversations", read_only=True) as uow:
        due = queries.list_due_to_wake(uow)
    for tenant_id, conversation_id in due:
        with box.unit(tenant_id) as uow:
            actions.wake(uow, conversation_id)


def tell_of_deadlines(box: Box) -> None:
    """Promises to customers that are about to be missed, or were."""
    with box.whole_box("deadlines", read_only=True) as uow:
        due = queries.list_to_tell(uow)
    for tenant_id, conversation_id in due:
        with box.unit(tenant_id) as uow:
            actions.tell_due(uow, conversation_id)


def forget_old_notices(box: Box) -> None:
    with box.whole_box("old notices") as uow:
        actions.forget_old_notices(uow)


def settle_stuck(box: Box) -> None:
    """A message that has been on its way for so long was dropped by whoever sent it: a person decides, it is not sent blindly again."""
    with box.whole_box("stuck messages", read_only=True) as uow:
        stuck = [(message.tenant_id, message.id) for message in queries.list_stuck(uow, older_than=STUCK_AFTER)]
    for tenant_id, message_id in stuck:
        with box.unit(tenant_id) as uow:
            actions.mark_unconfirmed(uow, message_id)
