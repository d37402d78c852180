"""One backup or drill at a time, by a lease that whoever runs it renews: killed at any moment, the next one sees that it is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import clock, i18n
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import DomainError
from appliance.core.ids import new_id
from appliance.core.rows import surely
from appliance.domains.ops import queries
from appliance.domains.ops.errors import AlreadyRunning
from appliance.domains.ops.rules import timing
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork

LEASE = timedelta(seconds=30)
RENEWED_EVERY_S = 8.0
_LOCK = 0x5A1EBAC0  # PostgreSQL advisory lock: "salesedge backs up"


def ask_for_run(uow: UnitOfWork, kind: RunKind, target: str) -> BackupRun:
    """By a person: a worker begins it soon. Asked twice it is one."""
    asked = queries.find_last(uow, target, kind, RunState.WAITING)
    if asked is None:
        asked = BackupRun(id=new_id(), kind=kind, target=target, state=RunState.WAITING, asked_at=uow.now)
        uow.session.add(asked)
        uow.session.flush()
    return asked


@contextmanager
def leased(box: Box, kind: RunKind, target: str) -> Iterator[dict[str, Any]]:
    """What is put in the dict is kept with the run when it is done, and when it fails. Raises AlreadyRunning."""
    run_id = _begin(box, kind, target)
    found: dict[str, Any] = {}
    state, error = RunState.INTERRUPTED, None
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(box, run_id, done), daemon=True)
    renewing.start()
    try:
        yield found
        state = RunState.DONE
    except (DomainError, KeyUnreadable, OSError, SQLAlchemyError) as err:
        state, error = RunState.FAILED, reason_of(err)
        raise
    finally:
        done.set()
        renewing.join()
        surely(partial(_end, box, run_id, state=state, error=error, ended_at=clock.now(), lease_until=None, **found))


def _begin(box: Box, kind: RunKind, target: str) -> UUID:
    with box.whole_box("backup begins") as uow:
        _take_turn(uow)
        trust_the_clock(uow)
        gone = update(BackupRun).where(BackupRun.state == RunState.RUNNING, BackupRun.lease_until < uow.now)
        uow.session.execute(gone.values(state=RunState.INTERRUPTED, ended_at=BackupRun.lease_until))
        if queries.is_running(uow):
            raise AlreadyRunning
        run = ask_for_run(uow, kind, target)
        run.state, run.started_at, run.lease_until = RunState.RUNNING, uow.now, uow.now + LEASE
        return run.id


def _take_turn(uow: UnitOfWork) -> None:
    if uow.box.database.is_postgresql:  # a writer of SQLite has it
        uow.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def trust_the_clock(uow: UnitOfWork) -> None:
    """Runs that a clock which ran ahead dated into what is the future by now: when they were is not known. A lease is never that long."""
    for column, value in ((BackupRun.asked_at, uow.now), (BackupRun.started_at, None), (BackupRun.ended_at, None)):
        misdated = update(BackupRun).where(column > timing.latest(uow.now))
        uow.session.execute(misdated.values({column.key: value}))
    too_long = update(BackupRun).where(BackupRun.state == RunState.RUNNING, BackupRun.lease_until > uow.now + LEASE)
    uow.session.execute(too_long.values(lease_until=uow.now + LEASE))


@contextmanager
def at_rest(box: Box) -> Iterator[bool]:
    """Whether nobody backs up or drills; nobody begins to while this is held."""
    with box.whole_box("backups at rest") as uow:
        _take_turn(uow)
        trust_the_clock(uow)
        yield not queries.is_running(uow)


def _renew(box: Box, run_id: UUID, done: threading.Event) -> None:
    while not done.wait(RENEWED_EVERY_S):
        try:
            _end(box, run_id, lease_until=clock.now() + LEASE)
        except SQLAlchemyError as err:
            box.log.warning("backup_lease_not_renewed", error=type(err).__name__)


def _end(box: Box, run_id: UUID, **values: Any) -> None:
    with box.whole_box("backup goes on") as uow:
        uow.session.execute(update(BackupRun).where(BackupRun.id == run_id).values(**values))


def reason_of(err: Exception) -> str:
    if isinstance(err, OSError):
        return i18n.reason_of(err)
    return type(err).__name__ if isinstance(err, SQLAlchemyError) else i18n.told(err)
