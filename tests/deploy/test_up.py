"""`salesedge up` as automation sees it: ready when /health/ready says so, stops on SIGTERM, refuses in one sentence with exit code 1."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.architecture.house import ROOT
from tests.ports import free_port

pytestmark = pytest.mark.slow
PATIENCE_S = 360


class Terminal:
    """One machine: a data folder, a key outside it, and commands started on them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.key, self.port = folder / "home", folder / "keys/master.key", free_port()
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("SALESEDGE")}
        own |= {"SALESEDGE_HOME": str(self.home), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(self.key), "LANG": "en"}
        command = [sys.executable, "-c", "from appliance.entrypoints.cli import main; main()", *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=ROOT, env=own, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        self._started.append(process)
        return process

    def up(self, port: int | None = None) -> subprocess.Popen[str]:
        return self.start("up", "--port", str(port or self.port))

    def refusal(self, process: subprocess.Popen[str]) -> str:
        """What a command that must fail at once says; exit code 1 and a single line."""
        _out, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1, said
        assert len(said.splitlines()) == 1, said
        return said.strip()

    def await_ready(self, process: subprocess.Popen[str]) -> None:
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            assert process.poll() is None, process.stderr and process.stderr.read()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=PATIENCE_S) as answer:
                    assert answer.status == 200
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        pytest.fail("the box did not become ready")

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def _members(group: int) -> list[int]:
    """Live processes of a group; a zombie waits for its parent and does no harm."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, _parent, its_group = rest.split()[:3]
        if int(its_group) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


def test_new_box_gets_ready_says_where_it_is_and_stops_without_a_trace(terminal: Terminal) -> None:
    box = terminal.up()
    terminal.await_ready(box)
    assert box.stdout is not None
    address = f"http://127.0.0.1:{terminal.port}"
    assert box.stdout.readline() == f"SalesEdge is ready at {address}\n"
    assert re.search(rf"{address}/setup and enter the one-time code [0-9A-Z-]{{9,}}$", box.stdout.readline())
    assert terminal.key.stat().st_mode & 0o777 == 0o600
    assert not (terminal.home / "salesedge.db").read_bytes().startswith(b"SQLite format 3")

    box.send_signal(signal.SIGTERM)
    assert box.wait(timeout=PATIENCE_S) == 0
    assert _members(box.pid) == []


def test_second_copy_on_the_same_data_is_refused(terminal: Terminal) -> None:
    terminal.await_ready(terminal.up())
    assert str(terminal.home) in terminal.refusal(terminal.up(port=free_port()))


def test_box_killed_with_all_its_children_comes_back(terminal: Terminal) -> None:
    box = terminal.up()
    terminal.await_ready(box)
    os.killpg(box.pid, signal.SIGKILL)
    box.wait(timeout=PATIENCE_S)
    terminal.await_ready(terminal.up())


def test_supervisor_that_is_killed_takes_its_children_along(terminal: Terminal) -> None:
    box = terminal.up()
    terminal.await_ready(box)
    box.kill()
    box.wait(timeout=PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while _members(box.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _members(box.pid) == []


def test_port_that_is_taken_is_said_in_a_sentence(terminal: Terminal) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert terminal.refusal(terminal.up(port=port)) == f"Port {port} is taken. Free it, or choose another with --port."


def test_key_that_does_not_open_the_data_is_said_in_a_sentence(terminal: Terminal) -> None:
    terminal.home.mkdir()
    terminal.key.parent.mkdir()
    terminal.key.write_bytes(b"too short")
    terminal.key.chmod(0o600)
    assert str(terminal.key) in terminal.refusal(terminal.up())


def test_key_of_another_box_is_said_in_a_sentence(terminal: Terminal) -> None:
    assert terminal.start("migrate").wait(timeout=PATIENCE_S) == 0
    terminal.key.write_bytes(os.urandom(32))
    for command in (terminal.up(), terminal.start("status"), terminal.start("migrate")):
        assert "belongs to another box" in terminal.refusal(command)


def test_data_without_its_key_does_not_get_a_new_one(terminal: Terminal) -> None:
    terminal.home.mkdir()
    (terminal.home / "salesedge.db").write_bytes(os.urandom(4096))
    assert str(terminal.key) in terminal.refusal(terminal.up())
    assert not terminal.key.exists()


def test_setting_that_does_not_exist_is_named(terminal: Terminal) -> None:
    terminal.home.mkdir()
    (terminal.home / "config.toml").write_text("[server]\nprot = 80\n", encoding="utf-8")
    process = terminal.up()
    _out, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "server.prot" in said
    assert "Traceback" not in said
