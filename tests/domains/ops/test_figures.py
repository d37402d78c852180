from datetime import timedelta

import pytest

from appliance.core.storage import BackupTarget
from appliance.domains.ops import queries
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState


def test_the_last_good_backup_is_told_by_target_and_a_target_without_one_is_zero(box):
    targets = {name: BackupTarget(repository=f"/mnt/{name}") for name in ("usb", "nas")}
    box.settings = box.settings.model_copy(update={"backup": box.settings.backup.model_copy(update={"targets": targets})})
    with box.whole_box("test") as uow:
        begun = uow.now - timedelta(hours=2)
        for at, state in ((begun, RunState.DONE), (uow.now, RunState.FAILED)):
            uow.session.add(BackupRun(kind=RunKind.BACKUP, target="usb", state=state, asked_at=at, started_at=at))
    with box.whole_box("test", read_only=True) as uow:
        told = queries.last_successes(uow)
    assert told == {
        ("usb", "backup"): begun.timestamp(), ("usb", "drill"): 0, ("nas", "backup"): 0, ("nas", "drill"): 0,
    }  # fmt: skip


def test_how_old_a_backup_may_be_is_told_as_it_was_set(box):
    box.settings = box.settings.model_copy(update={"backup": box.settings.backup.model_copy(update={"rpo_h": 168})})
    with box.whole_box("test", read_only=True) as uow:
        assert queries.longest_loss(uow) == {"": 604800}


@pytest.mark.only_database("postgresql")
def test_up_to_when_the_journal_is_stored_is_told_where_it_is(box):
    def told():
        with box.whole_box("test", read_only=True) as uow:
            return queries.archive_reaches(uow), queries.longest_archive_age(uow)

    assert told() == ({}, {"": 70 * 60})
    past = box.settings.backup.point_in_time.model_copy(update={"target": "nas"})
    box.settings = box.settings.model_copy(update={"backup": box.settings.backup.model_copy(update={"point_in_time": past})})
    assert told()[0] == {("nas",): 0}
    with box.whole_box("test") as uow:
        receipt = {"since": 1000, "reaches": 2000}
        uow.session.add(BackupRun(kind=RunKind.ARCHIVE, target="nas", state=RunState.DONE, asked_at=uow.now, receipt=receipt))
    assert told()[0] == {("nas",): 2000}
