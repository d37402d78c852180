from appliance.core.box import Box
from appliance.domains.contacts import actions, queries


def forget_abandoned_uploads(box: Box) -> None:
    """Files that somebody uploaded and never imported, organisation by organisation."""
    with box.whole_box("abandoned uploads", read_only=True) as uow:
        abandoned = queries.list_abandoned_uploads(uow)
    for tenant_id, import_ids in abandoned.items():
        with box.unit(tenant_id) as uow:
            actions.forget_uploads(uow, import_ids)


def forget_awaited_consents(box: Box) -> None:
    """What was confirmed stands in the ledger; what was not is nothing."""
    with box.whole_box("old requests to confirm a consent") as uow:
        actions.forget_awaited(uow)


def look_for_duplicates(box: Box) -> None:
    """Organisation by organisation, each as work of its own."""
    with box.whole_box("who has contacts", read_only=True) as uow:
        tenants = queries.list_organisations(uow)
    for tenant_id in tenants:
        with box.unit(tenant_id) as uow:
            actions.want_duplicates(uow)
