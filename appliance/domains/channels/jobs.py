from datetime import timedelta

from appliance.core.box import Box
from appliance.domains.channels import actions

DAYS_KEPT = timedelta(days=60)


def prune_rejected(box: Box) -> None:
    with box.whole_box("old rejected webhooks") as uow:
        actions.prune_rejected(uow, kept_for=timedelta(days=box.settings.channels.rejected_days))


def prune_letters(box: Box) -> None:
    with box.whole_box("old mails that other programs posted") as uow:
        actions.prune_letters(uow, kept_for=timedelta(days=box.settings.channels.rejected_days))


def prune_days(box: Box) -> None:
    with box.whole_box("old days of linked numbers") as uow:
        actions.prune_days(uow, kept_for=DAYS_KEPT)
