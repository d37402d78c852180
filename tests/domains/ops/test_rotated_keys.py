"""A unit of systemd keeps the copy of the key file it was started with, and does not reach the file: the key changes, backups go on."""

import shutil

import pytest

from appliance.core import crypto, envelope, key_slots, machine
from appliance.domains.ops import actions, jobs, queries
from appliance.domains.ops.actions import runs
from appliance.domains.ops.types import RunKind, RunState
from appliance.entrypoints.domains import MANIFESTS
from tests.conftest import opened
from tests.domains.ops.conftest import with_targets

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def own(settings, tmp_path):
    """As whoever administers the box sees it: a key file of its own, rotated once before the units started."""
    path = tmp_path / "etc" / "master.key"
    path.parent.mkdir()
    shutil.copy(settings.keys.master_key_file, path)
    mine = settings.model_copy(update={"keys": settings.keys.model_copy(update={"master_key_file": path})})
    key_slots.rotate_key_file(mine)
    return mine


@pytest.fixture
def unit(own, tmp_path, monkeypatch):
    """As a process under its unit sees it, the key having been rotated again since."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    shutil.copy(own.keys.master_key_file, credentials / envelope.KEY_CREDENTIAL)
    unreachable = own.keys.model_copy(update={"master_key_file": tmp_path / "nowhere" / "master.key"})
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    with opened(own.model_copy(update={"keys": unreachable}), MANIFESTS) as box:
        key_slots.rotate_key_file(own)
        with pytest.raises(crypto.KeyUnreadable):
            envelope.open_root(box.settings)
        yield box


def test_backups_and_drills_go_on(unit, own, monkeypatch):
    jobs.run_due(unit)
    jobs.run_due(unit)
    with unit.whole_box("test", read_only=True) as uow:
        ran = [(run.kind, run.state) for run in queries.list_runs(uow)]
        (status,) = queries.target_statuses(uow, own.backup)
    assert ran == [(RunKind.DRILL, RunState.DONE), (RunKind.BACKUP, RunState.DONE)]
    (key,) = (found for found in machine.look(unit.settings) if found.name == "key")
    assert key.ok
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    actions.verify_receipt(status.receipt, actions.public_key(own))  # the receipts' key is the one it was


def test_key_that_does_not_open_is_the_reason_in_the_row(unit):
    with pytest.raises(crypto.KeyUnreadable), runs.leased(unit, RunKind.DRILL, "usb"):
        envelope.open_root(unit.settings)
    with unit.whole_box("test", read_only=True) as uow:
        assert "master key" in queries.find_last(uow, "usb", RunKind.DRILL, RunState.FAILED).error


def test_what_fails_for_one_target_holds_up_no_other(unit):
    folder = unit.settings.home.parent
    unit.settings = with_targets(unit.settings, first={"repository": str(folder / "first")}, second={"repository": str(folder / "second")})
    (unit.settings.home / "backup").write_text("in the way")
    jobs.run_due(unit)
    with unit.whole_box("test", read_only=True) as uow:
        assert [status.last_error for status in queries.target_statuses(uow, unit.settings.backup)] == ["File exists"] * 2
