"""What the box does in the background, and the dead letters with their replay."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug import Response

from appliance.core import deliveries
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext, ngettext, told
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.core.uow import UnitOfWork
from appliance.core.web import current_principal
from appliance.domains.identity import actions as identity
from webui.admin.pages import pages

QUEUES = {
    "fast": lazy_gettext("Messages"), "default": lazy_gettext("Everyday work"), "speech": lazy_gettext("Voice notes"),
    "slow": lazy_gettext("Documents and imports"),
}  # fmt: skip
SHOWN = 100


@dataclass(frozen=True)
class DeadLetter:
    id: UUID
    event: str
    subscriber: str
    at: datetime
    attempts: int
    error: str


@pages.get("/admin/jobs", permission="jobs:read")
def jobs(uow: UnitOfWork) -> str:
    counts = deliveries.count_by_state(uow)
    dead = [_letter(*pair) for pair in deliveries.list_dead(uow, limit=SHOWN)]
    person = current_principal()
    backlog = [(str(name), uow.box.dispatcher.backlog(queue)) for queue, name in QUEUES.items()] if person and person.is_operator else []
    by_name = {state.value: counts.get(state, 0) for state in DeliveryState}
    return render_template("admin/jobs.html", counts=by_name, dead=dead, backlog=backlog)


@pages.post("/admin/jobs/<uuid:delivery_id>/replay", permission="jobs:write")
def replay(uow: UnitOfWork, delivery_id: UUID) -> Response:
    deliveries.replay(uow, delivery_id)
    flash(_("Given another try. The result shows here in a moment."))
    return redirect(url_for("admin.jobs"))


@pages.post("/admin/jobs/<uuid:delivery_id>/discard", permission="jobs:write")
def discard(uow: UnitOfWork, delivery_id: UUID) -> Response:
    """Nothing is owed any more; what waited behind it goes on."""
    letter = deliveries.get_delivery(uow, delivery_id)
    if letter.state is DeliveryState.DEAD:
        identity.record(uow, "delivery.discarded", about=("delivery", delivery_id), before={"job": letter.subscriber})
        deliveries.let_go(uow, delivery_id, reason=told(lazy_gettext("Somebody let it go.")))
    flash(_("Let go. It is not tried again."))
    return redirect(url_for("admin.jobs"))


@pages.post("/admin/jobs/replay", permission="jobs:write")
def replay_all(uow: UnitOfWork) -> Response:
    """All that the page shows."""
    dead = deliveries.list_dead(uow, limit=SHOWN)
    for delivery, _event in dead:
        deliveries.replay(uow, delivery.id)
    flash(ngettext("One job given another try.", "%(num)s jobs given another try.", len(dead)))
    return redirect(url_for("admin.jobs"))


def _letter(delivery: Delivery, event: OutboxRow) -> DeadLetter:
    error = delivery.last_error or ""
    return DeadLetter(delivery.id, event.name, delivery.subscriber, event.emitted_at, delivery.attempts, error)
