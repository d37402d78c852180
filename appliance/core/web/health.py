"""Is the box alive, is it ready, and what are its figures."""

import errno
import os

from flask import Blueprint, Response, jsonify, request
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance import __version__
from appliance.core import telemetry
from appliance.core.box import Box
from appliance.core.errors import NotFound
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.manifest import Check, CheckResult
from appliance.core.web.api import current_box

health = Blueprint("health", __name__)
LEAST_ROOM = 8 * 2**20
NAMES = {
    "database": _("Database"),
    "queue": _("Queue"),
    "workers": _("Workers"),
    "audit": _("Audit record"),
    "knowledge models": _("Models for answers"),
}
# What checks say. They are also read by programs, so they speak English; people get them in their language.
SAID = (
    _("answers"),
    _("every chain holds"),
    _("The record was changed outside the product. Keep a copy of it and investigate."),
    _("Is the disk full or the database server down? See `salesedge doctor`."),
    _("Work waits in the database until Redis is back; nothing is lost."),
    _("Start the box with `salesedge up`: what waits is kept, and done then."),
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


CORE_CHECKS = (Check("database", check_database, required=True), Check("queue", check_queue))


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
    ok = all(result.ok for result in results.values())
    return jsonify(status="ok" if ok else "degraded", version=__version__, checks=body), 200


@health.get("/metrics")
def metrics() -> Response:
    if not current_box().settings.server.metrics_open and request.remote_addr not in LOOPBACK:
        raise NotFound(_("There is nothing here."))
    return Response(telemetry.exposition(_counted(current_box())), mimetype="text/plain; version=0.0.4")


def _counted(box: Box) -> list[telemetry.Counted]:
    """None while the database is away: the processes' own figures are wanted then most of all."""
    try:
        with box.whole_box("metrics", read_only=True) as uow:
            return [telemetry.Counted(gauge.name, gauge.text, gauge.label, gauge.read(uow)) for gauge in box.registry.metrics]
    except SQLAlchemyError:
        return []
