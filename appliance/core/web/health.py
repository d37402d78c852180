"""Is the box alive, is it ready, and what are its figures."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Response, jsonify, request
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance import __version__
from appliance.core import footing
from appliance.core.box import Box
from appliance.core.errors import NotFound
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.manifest import Check, CheckResult
from appliance.core.metrics import Counted, exposition
from appliance.core.web.api import current_box

health = Blueprint("health", __name__)
LEAST_ROOM = 8 * 2**20
NAMES = {
    "database": _("Database"),
    "queue": _("Queue"),
    "workers": _("Workers"),
    "parts": _("Parts of the box"),
    "release": _("Release"),
    "audit": _("Audit record"),
    "knowledge models": _("Models for answers"),
    "language model": _("Language model"),
    "vectors": _("Vectors"),
    "backups": _("Backups"),
    "point in time": _("Going back to a time"),
    "before restore": _("Left from before a restore"),
    "model files": _("Files of the models"),
    "file store": _("Store of files"),
    "database set-up": _("Database: version and roles"),
    "queue set-up": _("Queue: version and memory"),
    "order of time": _("Order of events"),
    "box": _("Database"),
    "database file": _("Database file"),
}
# What checks say. They are also read by programs, so they speak English; people get them in their language.
SAID = (
    _("answers"),
    _("in the data folder"),
    _("does not answer as it should"),
    _("files are missing"),
    _("keeps old versions"),
    _("Files are not in the bucket. If they lie in the data folder yet, stop the box and run: salesedge files copy --to bucket"),
    _("The bucket keeps what is deleted as an older version: switch versioning off, or have older versions deleted after days."),
    _("every chain holds"),
    _("An update was interrupted. Run `salesedge update --resume`: the box is then wholly the old release or wholly the new one."),
    _("The record was changed outside the product. Keep a copy of it and investigate."),
    _("Is the disk full or the database server down? See `salesedge doctor`."),
    _("Work waits in the database until Redis is back; nothing is lost."),
    _("Start the box with `salesedge up`: what waits is kept, and done then."),
    _("Look at their logs and start them: systemctl status 'salesedge-*', or start the box with `salesedge up`. What waits is kept."),
    _("Every target has a recent backup."),
    _("Point-in-time recovery is off."),
    _("Open Backups for the reason: the journal of the database is not stored any more, or part of it was let go before it was."),
    _("Nothing is left of before a restore."),
    _("When the restored box has all it should, delete these folders: an organisation that is erased is still in them."),
    _("No backup target is set up."),
    _("Open Backups for the reason, or run `salesedge backup`: the last good backup is older than backup.rpo_h allows."),
    _("Upgrade PostgreSQL to 14 or newer."),
    _("The box's role must be no superuser, own no tables and not bypass row security: else a wall between tenants is gone."),
    _("The database file is damaged. Stop the box, keep a copy of the file, and restore the last backup."),
    _("Set maxmemory-policy to noeviction in Redis: else it throws work away when memory runs short."),
    _("Switch on appendonly in Redis: without it a restart forgets what waits, and the box has to find it again."),
    _("Upgrade Redis to 6.2 or newer."),
    _("The box has written events later than now: the clock went back. Set it right, and keep it so: timedatectl set-ntp true"),
)
LOOPBACK = frozenset({"127.0.0.1", "::1", None})


def check_database(box: Box) -> CheckResult:
    try:
        with box.database.read_only.connect() as connection:
            connection.execute(text("SELECT 1"))
        _check_room(box)
    except (SQLAlchemyError, OSError) as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix="Is the disk full or the database server down? See `salesedge doctor`.")
    return CheckResult(ok=True, detail="answers")


def _check_room(box: Box) -> None:
    """Raises OSError when the data folder's disk has no room left for a message."""
    place = os.statvfs(box.settings.home)
    if place.f_bavail * place.f_frsize < LEAST_ROOM:
        raise OSError(errno.ENOSPC, "no space left")


def check_queue(box: Box) -> CheckResult:
    try:
        box.redis.ping()
    except RedisError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix="Work waits in the database until Redis is back; nothing is lost.")
    return CheckResult(ok=True, detail="answers")


CORE_CHECKS = (Check("database", check_database, required=True), Check("queue", check_queue), *footing.CHECKS)


def run_checks(box: Box, *, thorough: bool = True) -> dict[str, CheckResult]:
    return {check.name: check.run(box) for check in (*CORE_CHECKS, *box.registry.checks) if thorough or not check.thorough}


def name_of(check: str) -> str:
    return str(NAMES[check]) if check in NAMES else check.replace("_", " ").capitalize()


def in_words(sentence: str) -> str:
    return gettext(sentence) if sentence else ""


@health.get("/health/live")
def live() -> Response:
    return jsonify(status="ok", version=__version__)


@health.get("/health/ready")
def ready() -> tuple[Response, int]:
    box = current_box()
    required = [check for check in (*CORE_CHECKS, *box.registry.checks) if check.required]
    results = {check.name: check.run(box) for check in required}
    ok = all(result.ok for result in results.values())
    return jsonify(status="ok" if ok else "unavailable", checks={name: r.ok for name, r in results.items()}), 200 if ok else 503


@health.get("/health")
def whole() -> tuple[Response, int]:
    """For monitors: which parts work. What exactly is wrong is for the health page and `salesedge doctor`."""
    results = run_checks(current_box(), thorough=False)
    body = {name: result.ok for name, result in results.items()}
    ok = all(result.ok for result in results.values() if result.needed)
    return jsonify(status="ok" if ok else "degraded", version=__version__, checks=body), 200


@health.get("/metrics")
def metrics() -> Response:
    if not current_box().settings.server.metrics_open and request.remote_addr not in LOOPBACK:
        raise NotFound(_("There is nothing here."))
    return Response(figures(current_box()), mimetype="text/plain; version=0.0.4")


def figures(box: Box) -> bytes:
    theirs = b"".join(read(box) for read in box.registry.figures)
    return exposition(list(_counted(box))) + theirs


def _counted(box: Box) -> Iterator[Counted]:
    """Without those that cannot be read now: the processes' own figures are wanted then most of all."""
    try:
        with box.whole_box("metrics", read_only=True) as uow:
            for gauge in box.registry.metrics:
                with suppress(RedisError, OSError):
                    yield Counted(gauge.name, gauge.text, gauge.labels, gauge.read(uow))
    except SQLAlchemyError:
        return
