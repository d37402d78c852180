"""The command at the terminal as people give it, and a backup that is killed."""

import json
import os
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from appliance.core.uow import UnitOfWork
from appliance.domains.ops import actions, queries
from appliance.domains.ops.actions import runs, targets
from appliance.domains.ops.errors import AlreadyRunning, BackupFailed
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState
from appliance.entrypoints.cli import cli

pytestmark = pytest.mark.only_database("sqlite")
WAITS_S = 120


@pytest.fixture
def environment(settings, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        f'home = "{settings.home}"\n[keys]\nmaster_key_file = "{settings.keys.master_key_file}"\n[redis]\nurl = "{settings.redis.url}"\n'
        f'[backup.targets.usb]\nrepository = "{tmp_path / "usb"}"\n'
    )
    return {**os.environ, "SALESEDGE_CONFIG": str(config), "LC_ALL": "C.UTF-8"}


def command(*words, environment, **how):
    return subprocess.Popen([sys.executable, "-m", "appliance.entrypoints.cli", *words], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)  # fmt: skip


@pytest.fixture
def said(environment, monkeypatch):
    """Exit code and words of a command."""
    monkeypatch.setenv("SALESEDGE_CONFIG", environment["SALESEDGE_CONFIG"])
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*words):
        result = CliRunner().invoke(cli, words)
        return result.exit_code, result.output

    return run


def test_commands_of_an_operator(box, filled, said, tmp_path):
    code, out = said("backup", "--json")
    taken = json.loads(out)
    assert (code, taken["ok"]) == (0, True)
    assert [one["id"] for one in json.loads(said("backup", "list", "--json")[1])] == [taken["set_id"]]
    receipt = tmp_path / "receipt.json"
    code, out = said("backup", "drill", "--receipt", str(receipt))
    assert (code, "The backup holds" in out) == (0, True)
    assert said("backup", "verify-receipt", str(receipt))[0] == 0
    receipt.write_text(receipt.read_text().replace('"passed"', '"failed"'))
    assert said("backup", "verify-receipt", str(receipt))[0] == 1
    code, out = said("backup", "rpo")
    assert (code, "a restore took" in out) == (0, True)
    code, out = said("restore")
    assert (code, "--replace" in out) == (1, True)
    code, out = said("backup", "check", "--target", "nas")
    assert (code, "nas" in out) == (1, True)
    assert said("backup", "forget")[0] == 0


def test_killed_backup_is_interrupted_and_the_next_one_whole(box, filled, environment, settings, tmp_path):
    process = command("backup", environment=environment)
    _await(lambda: _state(box) is RunState.RUNNING)
    process.kill()
    process.communicate()
    _await(lambda: not _children_of_ours(tmp_path))
    with box.whole_box("test") as uow:
        _let_the_lease_last(uow)
    with pytest.raises(AlreadyRunning):
        actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        _let_the_lease_end(uow)
    assert _state(box) is RunState.INTERRUPTED
    actions.back_up(box, "usb")
    with box.whole_box("test", read_only=True) as uow:
        assert [run.state for run in queries.list_runs(uow)] == [RunState.DONE, RunState.INTERRUPTED]
    assert len(actions.list_backups(settings, "usb")) == 1
    assert actions.drill(box, "usb")["result"] == "passed"


@pytest.fixture
def cut_off(box, tmp_path):
    """`restic init` as it was killed once its key was written."""
    targets.open_target(box.settings, box.keys, "usb").create()
    (tmp_path / "usb/config").unlink()
    return tmp_path / "usb"


def test_killed_while_it_made_the_repository_the_next_one_begins_anew(box, filled, settings, cut_off):
    actions.back_up(box, "usb")
    assert len(list((cut_off / "keys").iterdir())) == 1
    assert actions.drill(box, "usb")["result"] == "passed"


def test_what_others_keep_in_a_folder_of_that_name_stays(box, filled, tmp_path):
    (tmp_path / "usb/keys").mkdir(parents=True)
    (tmp_path / "usb/keys/0000_key-certbot.pem").write_text("of somebody")
    actions.back_up(box, "usb")
    assert (tmp_path / "usb/keys/0000_key-certbot.pem").read_text() == "of somebody"


def test_backups_without_a_whole_repository_are_not_made_unreadable(box, filled, settings, cut_off):
    (key,) = (cut_off / "keys").iterdir()
    (cut_off / "snapshots" / "a1").write_bytes(b"of somebody")
    with pytest.raises(BackupFailed, match="no whole backup repository"):
        actions.back_up(box, "usb")
    assert {path for path in cut_off.glob("*/*") if path.is_file()} == {key, cut_off / "snapshots" / "a1"}


def test_lease_is_renewed_by_who_runs(box):
    with runs.leased(box, RunKind.BACKUP, "usb") as found, box.whole_box("test", read_only=True) as uow:
        found["row_count"] = 7
        assert queries.is_running(uow)
        (run,) = uow.session.query(BackupRun)
        assert run.lease_until - uow.now <= runs.LEASE
    with box.whole_box("test", read_only=True) as uow:
        assert not queries.is_running(uow)
        assert [run.rows for run in queries.list_runs(uow)] == [7]


def _state(box) -> RunState | None:
    with box.whole_box("test", read_only=True) as uow:
        return next((run.state for run in queries.list_runs(uow)), None)


def _let_the_lease_last(uow: UnitOfWork) -> None:
    (run,) = uow.session.query(BackupRun)
    run.lease_until = uow.now + runs.LEASE


def _let_the_lease_end(uow: UnitOfWork) -> None:
    (run,) = uow.session.query(BackupRun)
    run.lease_until = uow.now - runs.LEASE


def _children_of_ours(tmp_path) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if "restic --password-file" in line and str(tmp_path) in line]


def _await(is_so) -> None:
    deadline = time.monotonic() + WAITS_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


