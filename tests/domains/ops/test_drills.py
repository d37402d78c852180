"""A drill proves a backup, and leaves nothing behind but its receipt."""

import pytest
from sqlalchemy import delete

from appliance.core.tenancy import TenantKey
from appliance.domains.ops import actions, queries
from appliance.domains.ops.errors import BackupFailed, NoSuchBackup, WrongReceipt
from appliance.domains.ops.gateways.postgresql import SCRATCH
from appliance.domains.ops.types import RunKind, RunState


def test_drill_signs_what_it_found_and_leaves_nothing(box, filled, settings):
    with pytest.raises(NoSuchBackup):
        _with_a_repository(box, lambda: actions.drill(box, "usb"))
    actions.back_up(box, "usb")
    (settings.home / "drill").mkdir()
    (settings.home / "drill" / "left").write_text("by one that was killed")
    receipt = actions.drill(box, "usb")
    assert receipt["result"] == "passed"
    assert receipt["rows"]["users"] == 3
    assert (receipt["files"], receipt["opened_files"]) == (1, 1)
    assert receipt["opened_values"] > 3
    assert not (settings.home / "drill").exists()
    if box.database.is_postgresql:
        with box.database.read_only.connect() as connection:
            assert not connection.exec_driver_sql(f"SELECT 1 FROM pg_database WHERE datname = '{SCRATCH}'").all()
    actions.verify_receipt(receipt, actions.public_key(settings))
    with pytest.raises(WrongReceipt):
        actions.verify_receipt({**receipt, "files": 2}, actions.public_key(settings))
    with box.whole_box("test", read_only=True) as uow:
        (status,) = queries.target_statuses(uow, settings.backup)
    assert status.rto_s == receipt["restore_seconds"]
    assert not status.is_overdue


def _with_a_repository(box, step):
    """A target that holds something, but no whole backup."""
    repository = actions.targets.open_target(box.settings, box.keys, "usb")
    actions.targets.make_sure(repository, has_backups=False)
    return step()


@pytest.mark.only_database("sqlite")
def test_drill_of_a_backup_that_lacks_a_file_fails_and_says_so(box, filled, settings):
    taken = actions.back_up(box, "usb")
    (lost,) = (settings.home / "blobs" / filled.ana.tenant_id.hex).glob("*/*")
    content = lost.read_bytes()
    lost.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # a bad disk
    actions.back_up(box, "usb")
    with pytest.raises(BackupFailed):
        actions.drill(box, "usb")
    with box.whole_box("test", read_only=True) as uow:
        run = queries.find_last(uow, "usb", RunKind.DRILL, RunState.FAILED)
        assert run.receipt["result"] == "failed"
        assert run.receipt["unreadable"] == 1
    assert taken.contents.missing == 0


@pytest.mark.only_database("sqlite")
def test_destroyed_key_is_gone_from_older_backups_too(box, filled, settings, new_box):
    first = actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == filled.ana.tenant_id))
    actions.back_up(box, "usb")
    restored = actions.restore(new_box, "usb", set_id=first.set_id)
    assert restored.found.opened_files == 0
    assert restored.found.is_whole
    with box.database.read_only.connect() as connection:
        held = connection.exec_driver_sql("SELECT count(*) FROM tenant_keys").scalar()
    assert held == 1
