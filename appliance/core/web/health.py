"""Is the box alive, is it ready, and what are its figures."""

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance import __version__
from appliance.core import telemetry
from appliance.core.box import Box
from appliance.core.manifest import Check, CheckResult
from appliance.core.web.api import current_box

health = Blueprint("health", __name__)


def check_database(box: Box) -> CheckResult:
    try:
        with box.database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix="Is the disk full or the database server down? See `salesedge doctor`.")
    return CheckResult(ok=True, detail="answers")


def check_queue(box: Box) -> CheckResult:
    try:
        box.redis.ping()
    except RedisError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix="Work waits in the database until Redis is back; nothing is lost.")
    return CheckResult(ok=True, detail="answers")


CORE_CHECKS = (Check("database", check_database, required=True), Check("queue", check_queue))


def run_checks(box: Box) -> dict[str, CheckResult]:
    return {check.name: check.run(box) for check in (*CORE_CHECKS, *box.registry.checks)}


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
    results = run_checks(current_box())
    body = {name: {"ok": r.ok, "detail": r.detail, "fix": r.fix} for name, r in results.items()}
    ok = all(result.ok for result in results.values())
    return jsonify(status="ok" if ok else "degraded", version=__version__, checks=body), 200


@health.get("/metrics")
def metrics() -> Response:
    return Response(telemetry.exposition(), mimetype="text/plain; version=0.0.4")
