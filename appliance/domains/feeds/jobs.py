from datetime import timedelta

from appliance.core.box import Box
from appliance.domains.feeds import actions

KEPT_FOR = timedelta(days=3)


def prune_items(box: Box) -> None:
    with box.whole_box("old feed items") as uow:
        actions.prune(uow, kept_for=KEPT_FOR)
