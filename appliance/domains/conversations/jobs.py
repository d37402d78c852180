from appliance.core.box import Box
from appliance.domains.conversations import actions, queries


def remind_of_waiting(box: Box) -> None:
    """Contacts handed to people and not yet answered by one: say so again, tenant by tenant."""
    with box.whole_box("waiting contacts", read_only=True) as uow:
        tenants = queries.list_tenants_with_waiting(uow)
    for tenant_id in tenants:
        with box.unit(tenant_id) as uow:
            actions.remind_of_waiting(uow)
