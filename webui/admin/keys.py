"""What opens the box, whether there is an emergency kit, and how far organisations are under their new keys. No secret is shown."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from redis import RedisError
from werkzeug import Response

from appliance.core import key_slots, resealing
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.core.key_slots import Standing
from appliance.core.web import Call, Form, PageQuery, Schema, read_form
from appliance.domains.identity import actions, queries
from webui.admin.pages import pages

RESEAL, QUEUE = "keys.reseal", "slow"
KINDS = {"key": lazy_gettext("Key file"), "passphrase": lazy_gettext("Passphrase")}
STATES = {
    "resealing": (lazy_gettext("Under way"), "info"), "kept": (lazy_gettext("Done, the old key is kept"), "ok"),
    "done": (lazy_gettext("Done"), "ok"),
}  # fmt: skip


class RotationForm(Schema):
    tenant_id: UUID
    keep_days: int = Field(30, ge=0, le=3660)


@dataclass(frozen=True)
class Shown:
    name: str
    kind: str
    since: datetime
    used: datetime | None


@pages.get("/admin/keys", permission="keys:read", unit=False, query=PageQuery)
def keys(call: Call, query: PageQuery) -> str:
    return _page(call, query, Form(None, {}, {}))


def _page(call: Call, query: PageQuery, form: Form[RotationForm]) -> str:
    with call.box.whole_box("keys", call.who.actor, read_only=True) as uow:
        tenants = queries.list_tenants(uow, query)
    progress = {one.tenant_id: one for one in resealing.list_progress(call.box, [tenant.id for tenant in tenants.items])}
    standing, fault = _standing(call)
    free = [(tenant.id, tenant.name) for tenant in tenants.items if not _is_open(progress.get(tenant.id))]
    kit = standing.kit if standing else None
    return render_template(
        "admin/keys.html", standing=standing, fault=fault, slots=_slots(standing) if standing else [], kinds=KINDS, states=STATES,
        kit_made=datetime.fromisoformat(kit.made_at) if kit else None, page=tenants, progress=progress, free=free, form=form,
        is_under_way=any(one.state == "resealing" for one in progress.values()),
    )  # fmt: skip


@pages.post("/admin/keys/rotations", permission="keys:write", unit=False)
def rotate(call: Call) -> Response | tuple[str, int]:
    form, query = read_form(RotationForm), PageQuery.model_validate({})
    if form.value is None:
        return _page(call, query, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        actions.rotate_tenant_key(call.box, form.value.tenant_id, keep=timedelta(days=form.value.keep_days), by=call.who.actor)
    except DomainError as err:
        return _page(call, query, Form(None, {"": str(err)}, form.raw)), err.status
    _reseal_now(call)
    flash(_("New content lies under the new key from now on. What was there is sealed anew in the background."))
    return redirect(url_for("admin.keys"))


@pages.post("/admin/keys/resealing", permission="keys:write", unit=False)
def reseal(call: Call) -> Response:
    _reseal_now(call)
    flash(_("It goes on in a moment, where it stopped."))
    return redirect(url_for("admin.keys"))


def _reseal_now(call: Call) -> None:
    with suppress(RedisError):  # else the clock does, within a minute
        call.box.dispatcher.enqueue_cron(RESEAL, QUEUE, time.time_ns())


def _standing(call: Call) -> tuple[Standing | None, str]:
    try:
        return key_slots.look(call.box.settings), ""
    except KeyUnreadable as err:
        return None, str(err)


def _slots(standing: Standing) -> list[Shown]:
    return [Shown(slot.name, slot.kind, datetime.fromisoformat(slot.created_at), standing.uses.get(slot.name)) for slot in standing.slots]


def _is_open(progress: resealing.Progress | None) -> bool:
    return progress is not None and progress.state != "done"
