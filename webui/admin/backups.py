"""Where the box is backed up to, how old the last good backup is, when the next one comes; run one now; what drills proved."""

import json
import time
from contextlib import suppress
from uuid import UUID

from flask import Response, flash, redirect, render_template, url_for
from redis import RedisError
from werkzeug import Response as AnyResponse

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Schema, read_form
from appliance.domains.ops import actions, queries
from appliance.domains.ops.errors import NoSuchTarget
from appliance.domains.ops.types import RunKind, RunState
from webui.admin.pages import pages

RUN_DUE, QUEUE = "ops.run_due", "slow"
KINDS = {RunKind.BACKUP: lazy_gettext("Backup"), RunKind.DRILL: lazy_gettext("Restore drill"), RunKind.FORGET: lazy_gettext("Clean-up"),
         RunKind.ARCHIVE: lazy_gettext("Journal")}  # fmt: skip
STATES = {
    RunState.WAITING: (lazy_gettext("Waiting"), "info"), RunState.RUNNING: (lazy_gettext("Running"), "info"),
    RunState.DONE: (lazy_gettext("Succeeded"), "ok"), RunState.FAILED: (lazy_gettext("Failed"), "bad"),
    RunState.INTERRUPTED: (lazy_gettext("Interrupted"), "warn"),
}  # fmt: skip


class RunForm(Schema):
    target: str
    kind: RunKind


@pages.get("/admin/backups", permission="backups:read", unit=False)
def backups(call: Call) -> str:
    with call.box.whole_box("backups", call.who.actor, read_only=True) as uow:
        shown = {"targets": queries.target_statuses(uow, call.box.settings.backup), "archive": queries.archive_status(uow)}
        runs = queries.list_runs(uow)
    return render_template("admin/backups.html", **shown, runs=runs, kinds=KINDS, states=STATES)


@pages.post("/admin/backups", permission="backups:write", unit=False)
def run_backup(call: Call) -> AnyResponse:
    form = read_form(RunForm)
    if form.value is None or form.value.kind is RunKind.ARCHIVE or form.value.target not in call.box.settings.backup.targets:
        raise NoSuchTarget(form.raw.get("target", ""))
    with call.unit() as uow:
        actions.ask_for_run(uow, form.value.kind, form.value.target)
    with suppress(RedisError):  # else the clock finds it
        call.box.dispatcher.enqueue_cron(RUN_DUE, QUEUE, time.time_ns())
    flash(_("Asked for. It begins in a moment and shows here."))
    return redirect(url_for("admin.backups"))


@pages.get("/admin/backups/<uuid:backup_run_id>/receipt", permission="backups:read")
def receipt(uow: UnitOfWork, backup_run_id: UUID) -> Response:
    content = json.dumps(queries.get_receipt(uow, backup_run_id), indent=2, ensure_ascii=False)
    name = f"receipt-{backup_run_id}.json"
    return Response(content, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'})
