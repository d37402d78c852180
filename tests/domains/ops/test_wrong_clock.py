"""A clock that ran ahead for a while, and is right again."""

from datetime import timedelta

import pytest

from appliance.domains.ops import actions, jobs, queries
from appliance.domains.ops.actions import runs
from appliance.domains.ops.errors import AlreadyRunning
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState

pytestmark = pytest.mark.only_database("sqlite")
DAY = timedelta(days=1)


def status_of(box):
    with box.whole_box("test", read_only=True) as uow:
        (status,) = queries.target_statuses(uow, box.settings.backup)
        return status, queries.last_successes(uow)["usb", "backup"], uow.now


def test_backups_go_on_and_nobody_says_that_all_is_well(box, filled, settings):
    actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        (run,) = uow.session.query(BackupRun)
        run.asked_at, run.started_at, run.ended_at = (moment + DAY for moment in (run.asked_at, run.started_at, run.ended_at))
    status, told, now = status_of(box)
    assert status.is_overdue
    assert told == 0
    assert status.next_at <= now
    assert not jobs.check_backups(box).ok
    jobs.run_due(box)
    status, told, now = status_of(box)
    assert not status.is_overdue
    assert 0 < told <= now.timestamp()
    assert timedelta(hours=23) < status.next_at - now <= DAY
    assert len(actions.list_backups(settings, "usb")) == 2


def test_a_run_that_was_killed_then_holds_nobody_up_for_a_day(box):
    with box.whole_box("test") as uow:
        at = uow.now + DAY
        uow.session.add(BackupRun(kind=RunKind.BACKUP, target="usb", state=RunState.RUNNING, asked_at=at, started_at=at, lease_until=at))
    with runs.at_rest(box) as nobody:
        assert not nobody  # it may be alive, and renews its lease by the right clock
    with box.whole_box("test", read_only=True) as uow:
        (run,) = uow.session.query(BackupRun)
        assert run.lease_until <= uow.now + runs.LEASE


def test_neither_clean_up_goes_beside_a_run(box, filled, settings):
    actions.back_up(box, "usb")
    scratch = settings.home / "drill"
    with runs.leased(box, RunKind.DRILL, "usb"):
        scratch.mkdir()
        with pytest.raises(AlreadyRunning):
            actions.forget_backups(box, "usb")
        actions.sweep_scratch(box)
        assert scratch.is_dir()
    actions.sweep_scratch(box)
    assert not scratch.exists()
    assert actions.forget_backups(box, "usb") == []


def test_what_a_restore_left_aside_is_a_line_of_the_doctor(box, settings):
    assert jobs.check_left(box).ok
    (settings.home / "before-restore-20261122-120000").mkdir()
    assert jobs.check_left(box).detail == "before-restore-20261122-120000"
    assert not jobs.check_left(box).ok
