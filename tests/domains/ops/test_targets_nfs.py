"""A share by NFS as a target: a real server, mounted as a folder; and what happens when that server is gone in the middle."""

import os
import threading
import time
from pathlib import Path

import pytest

from appliance.domains.ops import actions, queries
from appliance.domains.ops.errors import BackupFailed, NotMounted, TookTooLong
from appliance.domains.ops.gateways import processes
from appliance.domains.ops.types import RunState
from tests.domains.ops.conftest import fingerprints, with_targets
from tests.peers import nfs

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.skipif(os.geteuid() != 0, reason="as root: it mounts")]
MAY_TAKE_S, LOOKS_S = 15, 5
ENDS_WITHIN_S = 120  # of which the product takes one of these, and what it waits for those it kills


@pytest.fixture
def server(tmp_path):
    if not nfs.is_here():
        pytest.skip(f"NFS is not installed (apt-get install {nfs.PACKAGES})")
    if not Path("/dev/fuse").exists():
        pytest.skip("this machine lets its root mount nothing")
    folder = tmp_path / "nfs"
    folder.mkdir()
    with nfs.served(folder) as server:
        yield server


@pytest.fixture
def share(server, tmp_path, request):
    folder = tmp_path / "share"
    folder.mkdir()
    with nfs.mounted(server, folder, getattr(request, "param", "hard")):
        yield folder


def on_share(box, settings, share):
    box.settings = with_targets(settings, share={"repository": str(share / "box"), "mount_point": share})
    return box.settings


def restored(settings, new_box):
    return actions.restore(new_box.model_copy(update={"backup": settings.backup}), "share")


def test_nfs(box, filled, settings, new_box, share):
    settings = on_share(box, settings, share)
    before = fingerprints(settings)
    first = actions.back_up(box, "share")
    second = actions.back_up(box, "share")
    assert second.added < first.added
    assert len(actions.list_backups(settings, "share")) == 2
    actions.check_target(settings, "share", read_data=True)
    assert actions.drill(box, "share")["result"] == "passed"
    assert restored(settings, new_box).found.is_whole
    assert fingerprints(new_box) == before


@pytest.mark.parametrize("share", ["hard", "soft"], indirect=True)
def test_server_that_dies_in_the_middle_fails_the_backup_and_the_next_one_is_whole(box, filled, settings, new_box, server, share):
    settings = on_share(box, settings, share)
    actions.back_up(box, "share")
    with KilledOnceMoreIsStored(server):
        ends_in_time(TookTooLong, lambda: actions.back_up(box, "share", timeout_s=MAY_TAKE_S))
    ends_in_time(BackupFailed, lambda: actions.back_up(box, "share", timeout_s=LOOKS_S), match="does not answer")
    with box.whole_box("test", read_only=True) as uow:
        assert [run.state for run in queries.list_runs(uow)] == [RunState.FAILED, RunState.FAILED, RunState.DONE]
    server.start()
    actions.back_up(box, "share")
    assert len(actions.list_backups(settings, "share")) == 2
    actions.check_target(settings, "share", read_data=True)
    before = fingerprints(settings)
    assert restored(settings, new_box).found.is_whole
    assert fingerprints(new_box) == before


def test_program_that_cannot_be_stopped_holds_nobody(server, share):
    for name in ("written", "read"):
        (share / name).write_bytes(b"x")
    server.kill()

    def write():
        with processes.running(["dd", f"of={share}/written"], os.environ, timeout_s=2, writes=True) as run:
            run.process.stdin.write(bytes(10_000_000))

    def read():
        with processes.running(["dd", f"if={share}/read"], os.environ, timeout_s=2, reads=True) as run:
            run.process.stdout.read()

    for work in (write, read):
        ends_in_time((TookTooLong, ConnectionError), work)


def test_share_that_is_not_mounted_is_not_filled(box, filled, settings, server, tmp_path):
    folder = tmp_path / "share"
    folder.mkdir()
    on_share(box, settings, folder)
    with nfs.mounted(server, folder):
        actions.back_up(box, "share")
    with pytest.raises(NotMounted):
        actions.back_up(box, "share")
    assert list(folder.iterdir()) == []


class KilledOnceMoreIsStored:
    """The server, killed once a further part of a backup lies there: others have to follow."""

    def __init__(self, server):
        self.server, self.folder = server, server.share / "box" / "snapshots"

    def __enter__(self):
        before = {*self.folder.iterdir()}
        self.given_up = threading.Event()
        self.watching = threading.Thread(target=self._watch, args=(before,))
        self.watching.start()

    def _watch(self, before):
        while {*self.folder.iterdir()} <= before and not self.given_up.wait(0.01):
            pass
        self.server.kill()

    def __exit__(self, *error):
        self.given_up.set()
        self.watching.join()


def ends_in_time(error, work, **how):
    began = time.monotonic()
    with pytest.raises(error, **how):
        work()
    assert time.monotonic() - began < ENDS_WITHIN_S
