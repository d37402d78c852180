from datetime import timedelta

from appliance.core.box import Box
from appliance.domains.leads import actions


def prune_rejected(box: Box) -> None:
    with box.whole_box("old rejected leads") as uow:
        actions.prune_rejected(uow, kept_for=timedelta(days=box.settings.channels.rejected_days))
