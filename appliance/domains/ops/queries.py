"""What is known of backups and drills."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from appliance.core import i18n
from appliance.core.rows import required
from appliance.core.storage import BackupSettings
from appliance.core.tenancy import KeyRotation, TenantKey
from appliance.core.uow import UnitOfWork
from appliance.domains.ops.errors import NoSuchBackup
from appliance.domains.ops.rules import sets, timing
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import ArchiveStatus, Run, RunKind, RunState, TargetStatus

SHOWN = 50
ARCHIVED_IN = timedelta(minutes=15)  # three steps, beside a backup that may take its whole time
COPY_FAILURES = 3  # from then on it is told
ENDED_BADLY = (RunState.FAILED, RunState.INTERRUPTED)


def state_of(uow: UnitOfWork, run: BackupRun) -> RunState:
    """A run whose lease ended without it was killed."""
    is_left = run.state is RunState.RUNNING and (run.lease_until is None or run.lease_until < uow.now)
    return RunState.INTERRUPTED if is_left else run.state


def list_runs(uow: UnitOfWork) -> list[Run]:
    """The newest, newest first."""
    chosen = select(BackupRun).order_by(BackupRun.asked_at.desc(), BackupRun.id.desc()).limit(SHOWN)
    wrapped = {row.tenant_id: row.wrapped for row in uow.session.execute(select(TenantKey.tenant_id, TenantKey.wrapped))}
    today, there = uow.box.keys.oldest(wrapped), {one.hex for one in wrapped}
    return [_shown(uow, run, today, there) for run in uow.session.scalars(chosen)]


def _shown(uow: UnitOfWork, run: BackupRun, today: Mapping[str, int], there: Collection[str]) -> Run:
    needed = ((run.receipt or {}).get("generations") or {}) if run.kind is RunKind.BACKUP else {}
    took = (run.ended_at - run.started_at).total_seconds() if run.ended_at and run.started_at else None
    return Run(
        id=run.id, kind=run.kind, target=run.target, state=state_of(uow, run), begun_at=run.started_at or run.asked_at,
        seconds=None if took is None else round(took), processed=run.bytes_processed, added=run.bytes_added, rows=run.row_count,
        files=run.file_count, error=run.error or "", has_receipt=run.kind is RunKind.DRILL and run.receipt is not None,
        rotated=len(sets.rotated_away(needed, today)), erased=len(sets.erased(needed, there)),
    )  # fmt: skip


def find_last(uow: UnitOfWork, target: str, kind: RunKind, *states: RunState) -> BackupRun | None:
    return uow.session.scalar(_of(target, kind).where(BackupRun.state.in_(states)).order_by(BackupRun.asked_at.desc()).limit(1))


def find_last_good(uow: UnitOfWork, target: str, kind: RunKind) -> BackupRun | None:
    """Of a run that the clock misdated nobody knows how old it is: it counts as none."""
    dated = _of(target, kind).where(BackupRun.state == RunState.DONE, BackupRun.started_at <= timing.latest(uow.now))
    return uow.session.scalar(dated.order_by(BackupRun.asked_at.desc()).limit(1))


def has_stored(uow: UnitOfWork, target: str) -> bool:
    return any(find_last(uow, target, kind, RunState.DONE) for kind in (RunKind.BACKUP, RunKind.ARCHIVE))


def find_archived(uow: UnitOfWork) -> BackupRun | None:
    """The last good step of point-in-time recovery, whichever target it was for."""
    good = select(BackupRun).where(BackupRun.kind == RunKind.ARCHIVE, BackupRun.state == RunState.DONE)
    return uow.session.scalar(good.order_by(BackupRun.asked_at.desc()).limit(1))


def get_receipt(uow: UnitOfWork, run_id: UUID) -> dict[str, Any]:
    run = required(uow.session.get(BackupRun, run_id), NoSuchBackup)
    return required(run.receipt if run.kind is RunKind.DRILL else None, NoSuchBackup)


def list_asked(uow: UnitOfWork) -> Sequence[BackupRun]:
    """What people asked for and nobody has begun."""
    waiting = select(BackupRun).where(BackupRun.state == RunState.WAITING).order_by(BackupRun.asked_at).limit(SHOWN)
    return uow.session.scalars(waiting).all()


def is_running(uow: UnitOfWork) -> bool:
    busy = select(BackupRun.id).where(BackupRun.state == RunState.RUNNING, BackupRun.lease_until >= uow.now).limit(1)
    return uow.session.scalar(busy) is not None


def last_successes(uow: UnitOfWork) -> dict[tuple[str, ...], float]:
    """Unix seconds by target and kind; 0 of a target that has none."""
    found: dict[tuple[str, ...], float] = {}
    for name in uow.box.settings.backup.targets:
        for kind in (RunKind.BACKUP, RunKind.DRILL):
            good = find_last_good(uow, name, kind)
            found[name, kind.value] = good.started_at.timestamp() if good and good.started_at else 0
    return found


def longest_loss(uow: UnitOfWork) -> dict[str, float]:
    """Seconds of work that may be lost, as the operator set it."""
    return {"": uow.box.settings.backup.rpo_h * 3600.0}


def archive_reaches(uow: UnitOfWork) -> dict[tuple[str, ...], float]:
    """Unix seconds by target; 0 where nothing is stored yet, nothing where point-in-time recovery is off."""
    status = archive_status(uow)
    return {(status.target,): status.reaches.timestamp() if status.reaches else 0} if status else {}


def copy_failures(uow: UnitOfWork) -> dict[tuple[str, ...], float]:
    status = archive_status(uow)
    return {(status.target,): status.failures} if status else {}


def longest_archive_age(uow: UnitOfWork) -> dict[str, float]:
    return {"": _longest_archived(uow.box.settings.backup).total_seconds()}


def _longest_archived(settings: BackupSettings) -> timedelta:
    return timedelta(minutes=settings.timeout_min) + ARCHIVED_IN


def target_statuses(uow: UnitOfWork, settings: BackupSettings) -> list[TargetStatus]:
    return [_status(uow, settings, name) for name in settings.targets]


def _status(uow: UnitOfWork, settings: BackupSettings, name: str) -> TargetStatus:
    good = find_last_good(uow, name, RunKind.BACKUP)
    begun = find_last(uow, name, RunKind.BACKUP, RunState.DONE, RunState.RUNNING, *ENDED_BADLY)
    drilled = find_last(uow, name, RunKind.DRILL, RunState.DONE)
    data_as_of = good.started_at if good else None
    next_at = timing.next_try(
        every=timedelta(hours=settings.every_h), last_begun=begun.started_at if begun else None,
        failures=_failures_since(uow, name, good), now=uow.now,
    )  # fmt: skip
    if begun and begun.started_at and begun.started_at < _keys_destroyed_at(uow):
        next_at = uow.now  # the target has that key until its next backup
    has_failed = begun is not None and state_of(uow, begun) in ENDED_BADLY
    return TargetStatus(
        name=name, repository=settings.targets[name].repository, last_good=data_as_of,
        rpo_s=(uow.now - data_as_of).total_seconds() if data_as_of else None,
        is_overdue=timing.is_overdue(data_as_of, timedelta(hours=settings.rpo_h), uow.now),
        running=begun is not None and state_of(uow, begun) is RunState.RUNNING,
        last_error=(begun.error or "") if begun is not None and has_failed else "", next_at=next_at,
        last_drill=drilled.ended_at if drilled else None, rto_s=drilled.receipt["restore_seconds"] if drilled and drilled.receipt else None,
        receipt=drilled.receipt if drilled else None,
    )  # fmt: skip


def _keys_destroyed_at(uow: UnitOfWork) -> datetime:
    """The last time a key that was rotated away was destroyed."""
    ended = select(func.max(KeyRotation.destroyed_at)).where(KeyRotation.destroyed_at <= uow.now)
    return uow.session.scalar(ended) or datetime.min.replace(tzinfo=UTC)


def archive_status(uow: UnitOfWork) -> ArchiveStatus | None:
    """None where point-in-time recovery is not switched on."""
    settings = uow.box.settings.backup
    name = settings.point_in_time.target
    if not (name and uow.box.database.is_postgresql):
        return None
    good, begun = (find_last(uow, name, RunKind.ARCHIVE, *states) for states in ((RunState.DONE,), (RunState.DONE, *ENDED_BADLY)))
    told = (good.receipt if good else None) or {}
    since, reaches = (datetime.fromtimestamp(told[key], UTC) if told.get(key) else None for key in ("since", "reaches"))
    error = begun.error or "" if begun is not None and begun.state in ENDED_BADLY else i18n.unpack(told.get("base_error", ""))
    gap = datetime.fromisoformat(told["gap"]) if told.get("gap") else None
    is_late = timing.is_overdue(reaches, _longest_archived(settings), uow.now)
    return ArchiveStatus(name, since, reaches, gap, error, is_late, int(told.get("base_failures", 0)))


def _failures_since(uow: UnitOfWork, target: str, good: BackupRun | None) -> int:
    bad = _of(target, RunKind.BACKUP).where(BackupRun.state.in_((*ENDED_BADLY, RunState.RUNNING)))
    since = bad.where(BackupRun.asked_at > good.asked_at) if good else bad
    return uow.session.scalar(select(func.count()).select_from(since.limit(SHOWN).subquery())) or 0


def _of(target: str, kind: RunKind) -> Select[BackupRun]:
    return select(BackupRun).where(BackupRun.target == target, BackupRun.kind == kind)
