"""Each kind of target against a real server of it, and what happens when one is not there."""

import os
import shutil
import subprocess
import time

import pytest

from appliance.core import clock
from appliance.core.config import NetworkMode
from appliance.core.outbound import NotAllowed
from appliance.domains.ops import actions, jobs, queries
from appliance.domains.ops.errors import BackupFailed, NoRepository, NoSuchTarget, NotMounted, OtherKey
from appliance.domains.ops.gateways import mounts
from appliance.domains.ops.gateways.restic import Repository
from appliance.domains.ops.types import RunKind, RunState
from tests.domains.ops.conftest import fingerprints, with_targets
from tests.peers import sshd, swift

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def sftp(tmp_path):
    if sshd.PROGRAM is None:
        pytest.skip("sshd is not installed (apt-get install openssh-server)")
    folder = tmp_path / "sshd"
    folder.mkdir()
    with sshd.sftp_server(folder) as server:
        yield server


@pytest.fixture
def object_store(tmp_path):
    folder = tmp_path / "swift"
    folder.mkdir()
    with swift.object_store(folder) as server:
        yield server


def reaching(box, settings, **targets_):
    """The box with these targets, and leave to call this machine."""
    network = settings.network.model_copy(update={"private_hosts": ("127.0.0.1",)})
    box.settings = with_targets(settings, **targets_).model_copy(update={"network": network})
    return box.settings


def restored(settings, new_box, target):
    return actions.restore(new_box.model_copy(update={"backup": settings.backup, "network": settings.network}), target)


def test_sftp(box, filled, settings, new_box, sftp, tmp_path):
    settings = reaching(box, settings, nas=sftp.target(tmp_path / "far" / "box"))
    (tmp_path / "far").mkdir()
    before = fingerprints(settings)
    actions.back_up(box, "nas")
    assert restored(settings, new_box, "nas").found.is_whole
    assert fingerprints(new_box) == before
    sftp.folder.joinpath("known_hosts").write_text(f"[127.0.0.1]:{sftp.port} {(sftp.folder / 'client.pub').read_text()}")
    with pytest.raises(BackupFailed, match="host key"):
        actions.list_backups(settings, "nas")
    repository = Repository(settings.backup.targets["nas"], bytes(32), tmp_path / "cache", time.monotonic() + 60)
    assert "Host key verification failed" in repository._said_by_ssh()  # when restic ends before it has passed that on


def test_s3(box, filled, settings, new_box, object_store):
    settings = reaching(box, settings, cloud=object_store.target("bucket/box"))
    before = fingerprints(settings)
    actions.back_up(box, "cloud")
    actions.back_up(box, "cloud")
    assert len(actions.list_backups(settings, "cloud")) == 2
    assert restored(settings, new_box, "cloud").found.is_whole
    assert fingerprints(new_box) == before
    (object_store.folder / "credentials").write_text("[default]\naws_access_key_id = test:tester\naws_secret_access_key = wrong\n")
    with pytest.raises(BackupFailed, match="refused the key"):
        actions.list_backups(settings, "cloud")


def test_sealed_box_calls_no_target_that_nobody_vouched_for(box, settings):
    box.settings = with_targets(settings, nas={"repository": "sftp:ana@127.0.0.1:/srv"}, cloud={"repository": "s3:https://127.0.0.1/b"})
    assert settings.network.mode is NetworkMode.SEALED
    for name in ("nas", "cloud"):
        with pytest.raises(NotAllowed):
            actions.back_up(box, name)


def test_unmounted_disk_is_noticed_and_not_filled(box, settings, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    box.settings = with_targets(settings, usb={"repository": str(disk / "box"), "mount_point": disk})
    with pytest.raises(NotMounted):
        actions.back_up(box, "usb")
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="as root: it mounts")
def test_mounted_disk_is_written_to_until_it_is_taken_away(box, filled, settings, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    box.settings = with_targets(settings, usb={"repository": str(disk / "box"), "mount_point": disk})
    if subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=False).returncode:
        pytest.skip("this machine lets its root mount nothing")
    try:
        actions.back_up(box, "usb")
        assert len(actions.list_backups(box.settings, "usb")) == 1
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
    with pytest.raises(NotMounted):
        actions.back_up(box, "usb")
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="as root: it mounts")
def test_link_to_a_disk_is_that_disk(tmp_path):
    disk, folder = tmp_path / "disk", tmp_path / "folder"
    disk.symlink_to("/proc")
    mounts.check_mounted(disk, timeout_s=60)
    folder.symlink_to(tmp_path)
    with pytest.raises(NotMounted):
        mounts.check_mounted(folder, timeout_s=60)


def test_folder_that_systemd_mounted_on_itself_for_a_unit_is_no_disk(box, settings, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    box.settings = with_targets(settings, usb={"repository": str(disk / "box"), "mount_point": disk})
    if subprocess.run(["mount", "--bind", disk, disk], check=False).returncode:
        pytest.skip("this machine lets its root mount nothing")
    try:
        with pytest.raises(NotMounted):
            actions.back_up(box, "usb")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_repository_that_is_gone_is_not_made_anew(box, filled, settings, tmp_path):
    actions.back_up(box, "usb")
    shutil.move(tmp_path / "usb", tmp_path / "elsewhere")
    with pytest.raises(NoRepository):
        actions.back_up(box, "usb")
    assert not (tmp_path / "usb").exists()
    with box.whole_box("test", read_only=True) as uow:
        (status,) = queries.target_statuses(uow, settings.backup)
    assert "Is the disk mounted?" in status.last_error
    assert status.last_good is not None
    shutil.move(tmp_path / "elsewhere", tmp_path / "usb")
    actions.back_up(box, "usb")


def test_restic_that_ends_before_it_was_told_all_says_why(settings, tmp_path):
    repository = Repository(settings.backup.targets["usb"], bytes(32), tmp_path / "cache", time.monotonic() + 60)
    with pytest.raises(NoRepository):
        repository.store_stream("rows", [], clock.now(), lambda out: out.writelines([bytes(5_000)] * 2_000))


def test_other_key_does_not_open_the_backups(box, filled, settings, tmp_path):
    actions.back_up(box, "usb")
    key = tmp_path / "other.key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    other = settings.model_copy(update={"keys": settings.keys.model_copy(update={"master_key_file": key}), "home": tmp_path / "empty"})
    with pytest.raises(OtherKey):
        actions.list_backups(other, "usb")
    with pytest.raises(NoSuchTarget):
        actions.list_backups(other, "nas")


def test_damaged_repository_fails_its_check(box, filled, settings, tmp_path):
    actions.back_up(box, "usb")
    actions.check_target(settings, "usb", read_data=True)
    pack = max((path for path in (tmp_path / "usb" / "data").glob("*/*")), key=lambda path: path.stat().st_size)
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)
    with pytest.raises(BackupFailed):
        actions.check_target(settings, "usb", read_data=True)


def test_clock_starts_what_is_due_and_tries_again_after_a_failure(box, filled, settings, tmp_path):
    jobs.run_due(box)
    with box.whole_box("test", read_only=True) as uow:
        assert [(run.kind, run.state) for run in reversed(queries.list_runs(uow))] == [(RunKind.BACKUP, RunState.DONE)]
    assert jobs.check_backups(box).ok
    jobs.run_due(box)  # not due; the first drill is
    with box.whole_box("test", read_only=True) as uow:
        assert [run.kind for run in queries.list_runs(uow)] == [RunKind.DRILL, RunKind.BACKUP]
    with box.whole_box("test") as uow:
        actions.ask_for_run(uow, RunKind.BACKUP, "usb")
        actions.ask_for_run(uow, RunKind.BACKUP, "usb")
    shutil.rmtree(tmp_path / "usb")
    jobs.run_due(box)
    with box.whole_box("test", read_only=True) as uow:
        (status,) = queries.target_statuses(uow, settings.backup)
        assert len(queries.list_runs(uow)) == 3
    assert status.last_error
    assert status.last_good is not None
    assert (status.next_at - status.last_good).total_seconds() < 3600


def test_target_without_a_backup_is_a_warning_with_what_to_do(box, settings):
    found = jobs.check_backups(box)
    assert not found.ok
    assert found.fix
    box.settings = with_targets(settings)
    assert jobs.check_backups(box).ok
