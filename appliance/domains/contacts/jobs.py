from appliance.core.box import Box
from appliance.domains.contacts import actions


def forget_abandoned_uploads(box: Box) -> None:
    """Files that somebody uploaded and never imported."""
    with box.whole_box("abandoned uploads") as uow:
        abandoned = actions.forget_abandoned_uploads(uow)
    for tenant_id, file_id in abandoned:
        box.blobs.delete(tenant_id, file_id)
