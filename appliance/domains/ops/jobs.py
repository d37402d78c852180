"""What the clock starts: backups and drills that are due, and those that people asked for."""

import time
from datetime import timedelta

from appliance.core import clock
from appliance.core.box import Box
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import DomainError
from appliance.core.manifest import CheckResult
from appliance.domains.ops import actions, queries
from appliance.domains.ops.rules import timing
from appliance.domains.ops.types import RunKind, RunState, TargetStatus

EVERY = timedelta(minutes=5)


def run_due(box: Box) -> None:
    """What fails stands in its row, and is tried again when that is due. The journal goes last: a copy of the cluster may take long."""
    settings, began = box.settings.backup, time.monotonic()
    if settings.targets:
        actions.sweep_scratch(box)
        for kind, target in _due(box):
            share = timing.share_of_turn(_left_s(box, began), settings.timeout_min * 60.0, has_journal=bool(settings.point_in_time.target))
            if share is None:
                break
            _run(box, kind, target, timeout_s=share)
    _archive(box, timeout_s=_left_s(box, began))


def _left_s(box: Box, began: float) -> float:
    """Of what one turn may take."""
    return began + box.settings.backup.timeout_min * 60.0 - time.monotonic()


def _due(box: Box) -> list[tuple[RunKind, str]]:
    settings = box.settings.backup
    with box.whole_box("backups due", read_only=True) as uow:
        if queries.is_running(uow):
            return []
        asked = [(run.kind, run.target) for run in queries.list_asked(uow) if run.target in settings.targets]
        statuses = queries.target_statuses(uow, settings)
        drilled = {one.name: queries.find_last(uow, one.name, RunKind.DRILL, *RunState) for one in statuses}
    due = [(RunKind.BACKUP, one.name) for one in statuses if one.next_at <= clock.now()]
    drills = [(RunKind.DRILL, one.name) for one in statuses if _wants_drill(one, drilled[one.name], settings.drill_days)]
    return [*dict.fromkeys([*asked, *due, *drills])]


def _archive(box: Box, *, timeout_s: float) -> None:
    settings = box.settings.backup
    try:
        if box.database.is_postgresql and not settings.point_in_time.target:
            actions.stop_archiving(box)
        elif box.database.is_postgresql:
            actions.archive(box, timeout_s=timeout_s, by_clock=True)
    except (DomainError, KeyUnreadable, OSError) as err:
        box.log.warning("archive_failed", error=type(err).__name__)


def _wants_drill(status: TargetStatus, last: object, days: int) -> bool:
    began = getattr(last, "started_at", None)
    return bool(days and status.last_good) and (began is None or clock.now() - began > timedelta(days=days))


def _run(box: Box, kind: RunKind, target: str, *, timeout_s: float) -> None:
    steps = {RunKind.BACKUP: actions.back_up, RunKind.DRILL: actions.drill, RunKind.FORGET: actions.forget_backups}
    try:
        steps[kind](box, target, timeout_s=timeout_s)
    except (DomainError, KeyUnreadable, OSError) as err:
        box.log.warning("backup_failed", kind=kind.value, target=target, error=type(err).__name__)


def check_backups(box: Box) -> CheckResult:
    settings = box.settings.backup
    if not settings.targets:
        return CheckResult(ok=True, detail="No backup target is set up.")
    with box.whole_box("backup check", read_only=True) as uow:
        statuses = queries.target_statuses(uow, settings)
    late = [one.name for one in statuses if one.is_overdue]
    if late:
        fix = "Open Backups for the reason, or run `salesedge backup`: the last good backup is older than backup.rpo_h allows."
        return CheckResult(ok=False, detail=", ".join(late), fix=fix)
    return CheckResult(ok=True, detail="Every target has a recent backup.")


def check_archive(box: Box) -> CheckResult:
    with box.whole_box("archive check", read_only=True) as uow:
        status = queries.archive_status(uow)
    if status is None:
        return CheckResult(ok=True, detail="Point-in-time recovery is off.")
    reaches = f"{status.reaches:%Y-%m-%d %H:%M} UTC" if status.reaches else "-"
    if status.is_late or status.gap or status.failures >= queries.COPY_FAILURES:
        fix = (
            "Open Backups for the reason: the journal of the database is not stored any more, part of it was let go before it was, "
            "or its copies fail again and again (by hand: `salesedge backup archive`)."
        )
        return CheckResult(ok=False, detail=reaches, fix=fix)
    return CheckResult(ok=True, detail=reaches)


def check_left(box: Box) -> CheckResult:
    left = sorted(path.name for path in box.settings.home.glob(f"{actions.ASIDE}*"))
    if left:
        fix = "When the restored box has all it should, delete these folders: an organisation that is erased is still in them."
        return CheckResult(ok=False, detail=", ".join(left), fix=fix)
    return CheckResult(ok=True, detail="Nothing is left of before a restore.")
