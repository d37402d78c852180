"""How an update stops and starts the units of an installed box: what it asks of systemd, whose program is played here."""

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import Settings
from appliance.core.updates import Releases
from appliance.entrypoints.terminal import Failed
from appliance.entrypoints.updating import running

PLAYED = """#!/bin/sh
cd {folder}
echo "$@" >> asked
case "$1" in
  show) echo "salesedge-web.service network-online.target salesedge-worker@1.service" ;;
  is-active)
    shift
    if [ "$1" = --quiet ]; then [ "$(cat state)" = active ]; exit; fi
    for unit in "$@"; do [ -e "$unit" ] && cat "$unit" || cat state; done ;;
  stop) [ ! -e stuck ] || {{ echo "Job canceled." >&2; exit 1; }}; echo inactive > state ;;
  start) echo active > state ;;
esac
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder: what it was `asked`, the `state` of the units, and of one that differs the state under its name."""
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(PLAYED.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "state").write_text("active\n")
    return tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    """Pages that are ready."""

    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok", "version": "1.2"}')

        def log_message(self, *_args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def units(systemd: Path, port: int) -> running.Systemd | running.Foreground:
    plain = Settings(home=systemd)
    settings = plain.model_copy(update={"server": plain.server.model_copy(update={"port": port})})
    return running.processes_of(settings, Releases(systemd / "opt"))


def asked(systemd: Path) -> list[str]:
    return (systemd / "asked").read_text().splitlines()


def test_all_units_are_stopped_at_once_and_started_by_their_target(systemd: Path, units: running.Systemd) -> None:
    assert (units.are_running(), units.are_up()) == (True, True)
    units.stop()
    assert (units.are_running(), units.are_up()) == (False, False)
    assert asked(systemd).count("stop salesedge.target salesedge-*.service") == 1
    units.start()
    assert asked(systemd)[-3:] == ["daemon-reload", "reset-failed salesedge-*.service", "start --no-block salesedge.target"]
    assert units.are_up()


@pytest.mark.parametrize("state", ["activating", "failed", "inactive"])
def test_one_unit_that_is_not_up_is_enough(systemd: Path, units: running.Systemd, state: str) -> None:
    (systemd / "salesedge-worker@1.service").write_text(f"{state}\n")
    assert not units.are_up()


def test_units_that_are_up_without_pages_are_not(systemd: Path) -> None:
    plain = Settings(home=systemd)
    nobody = plain.model_copy(update={"server": plain.server.model_copy(update={"port": 1})})
    assert not running.processes_of(nobody, Releases(systemd / "opt")).are_up()


def test_what_systemd_says_reaches_the_person(systemd: Path, units: running.Systemd) -> None:
    (systemd / "stuck").touch()
    with pytest.raises(Failed) as failed:
        units.stop()
    assert "Job canceled." in failed.value.message


def test_a_box_that_nobody_installed_has_no_units(systemd: Path) -> None:
    processes = running.processes_of(Settings(home=systemd), Releases(systemd / "releases"))
    assert isinstance(processes, running.Foreground)


def test_units_come_and_go_with_the_release(systemd: Path, port: int) -> None:
    """Of what the installation wrote beside them nothing is touched; what is new is enabled, but for those that are many."""
    plain = Settings(home=systemd)
    folder, old, new = systemd / "etc", systemd / "old/systemd", systemd / "new/systemd"
    units = running.Systemd(plain.model_copy(update={"server": plain.server.model_copy(update={"port": port})}), folder)
    common = "salesedge-.service.d/10-every-process.conf"
    added = ("salesedge-new.service", "salesedge-new@.service")
    for release, more in ((old, ()), (new, added)):
        for name in ("salesedge-web.service", common, *more):
            (release / name).parent.mkdir(parents=True, exist_ok=True)
            (release / name).write_text(f"{release.parent.name} {name}")
    own = folder / "salesedge-.service.d/20-backup.conf"
    own.parent.mkdir(parents=True)
    own.write_text("own")
    (folder / "other.service").touch()
    (folder / "salesedge-tunnel.service").touch()  # of whoever runs the machine

    def laid() -> dict[str, str]:
        return {path.relative_to(folder).as_posix(): path.read_text().partition(" ")[0] for path in folder.rglob("*") if path.is_file()}

    others = {"salesedge-.service.d/20-backup.conf": "own", "other.service": "", "salesedge-tunnel.service": ""}
    units.take_units(old, new)
    before = {"salesedge-web.service": "old", common: "old"} | others
    assert laid() == before
    units.take_units(new, old)
    assert laid() == dict.fromkeys(("salesedge-web.service", common, *added), "new") | others
    assert asked(systemd)[-2:] == ["daemon-reload", "enable salesedge-new.service"]
    wants = folder / "salesedge.target.wants"
    wants.mkdir()
    (wants / "salesedge-new@2.service").symlink_to(folder / "salesedge-new@.service")
    units.take_units(old, new)
    (wants / "salesedge-new@2.service").unlink()  # as systemd does
    assert laid() == before
    assert set(asked(systemd)[-3:]) == {"disable salesedge-new.service", "disable salesedge-new@.service", "daemon-reload"}
    units.take_units(systemd / "a release that has none", old)
    assert laid() == before
    units.take_units(new, old)  # which has its instances again
    assert asked(systemd)[-2:] == ["enable salesedge-new.service", "enable salesedge-new@2.service"]
