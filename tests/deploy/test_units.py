"""systemd/: a unit for every process of the box, as narrow as it can be, under which the process still works."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from redis import Redis

from appliance.core.envelope import KEY_CREDENTIAL, PASSPHRASE_CREDENTIAL
from appliance.core.updates import Journal, Releases, Step
from appliance.entrypoints import up
from appliance.entrypoints.terminal import UPDATING
from tests.architecture.house import ROOT
from tests.deploy.units import MOST_EXPOSED, RESUME, SERVICES, UNITS, allowed_calls, instance_of, lines_of, make_root
from tests.ports import free_port
from tests.servers import redis_server

PROCESSES = {"models", *(process.name for process in up.PROCESSES)}
PATIENCE_S = 120
AS_ANOTHER = """
import os, signal, subprocess, sys, tempfile
how = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "preexec_fn": lambda: signal.alarm(1)}
other = subprocess.Popen(["sleep", "600"], user=65534, group=65534, extra_groups=[65534], umask=0o077, **how)
try:
    other.kill()
except PermissionError:
    assert other.wait() == -signal.SIGALRM
else:
    sys.exit("root may end what is another's")
with tempfile.NamedTemporaryFile() as file:
    try:
        os.chown(file.name, 65534, -1)
    except PermissionError:
        sys.exit()
sys.exit("root gave a file away")
"""
NO_SYSTEMD = shutil.which("systemd-analyze") is None
pytestmark = pytest.mark.skipif(NO_SYSTEMD, reason="systemd-analyze is not installed: apt install systemd")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("root"))


def _process_of(unit: str) -> str:
    return unit.removeprefix("salesedge-").removesuffix(".service").rstrip("@")


def _analyze(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", f"--root={root}", *arguments], capture_output=True, text=True, check=False)


def test_every_process_of_the_box_has_its_unit_and_no_unit_is_over() -> None:
    assert {_process_of(unit) for unit in SERVICES} == PROCESSES | {"redis"}
    many = {process.name for process in up.PROCESSES if process.count is not None}
    assert {_process_of(unit) for unit in SERVICES if "@" in unit} == many
    for name in PROCESSES:
        (command,) = lines_of(next(unit for unit in SERVICES if _process_of(unit) == name), "ExecStart")
        assert command == f"/opt/salesedge/current/venv/bin/python -m appliance.entrypoints.alone {name}"


@pytest.mark.parametrize("unit", [*SERVICES, RESUME, "salesedge.target"])
def test_systemd_has_nothing_to_say_against_it(root: Path, unit: str) -> None:
    verified = _analyze(root, "verify", instance_of(unit))
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_after_a_power_cut_root_ends_an_update_before_any_process_starts() -> None:
    said = (UNITS / RESUME).read_text(encoding="utf-8").splitlines()
    assert "ExecStart=/opt/salesedge/current/venv/bin/python -m appliance.entrypoints.cli update --resume" in said
    assert {"Type=oneshot", "TimeoutStartSec=infinity", "WantedBy=multi-user.target"} <= set(said)
    assert {"Restart=on-failure", "StartLimitIntervalSec=0", "Wants=network-online.target"} <= set(said)  # a database may come later
    assert not any(line.startswith("User=") for line in said)
    assert all(RESUME in lines_of(unit, "After")[-1] for unit in SERVICES)
    (of_processes,) = (line for line in lines_of(SERVICES[0], "Environment") if "SALESEDGE_HOME" in line)
    (own,) = (line.removeprefix("Environment=") for line in said if line.startswith("Environment="))
    assert set(own.split()) - {"PYTHONSAFEPATH=1"} <= set(of_processes.split())


@pytest.mark.parametrize("unit", [*SERVICES, RESUME])
def test_it_is_exposed_no_more_than_it_must_be(root: Path, unit: str) -> None:
    assert _exposure(root, instance_of(unit)) <= MOST_EXPOSED


def test_every_unit_that_runs_something_is_judged() -> None:
    assert {path.name for path in UNITS.glob("*.service")} == {*SERVICES, RESUME}


def _exposure(root: Path, unit: str) -> float:
    judged = _analyze(root, "security", "--offline=true", unit).stdout
    found = re.search(r"exposure level for .*: ([0-9.]+)", judged)
    assert found is not None, judged
    return float(found[1])


@pytest.mark.parametrize("unit", SERVICES)
def test_it_ends_is_limited_and_gets_its_key_from_systemd(unit: str) -> None:
    wanted = {"Restart", "RestartSec", "StartLimitBurst", "StartLimitIntervalSec", "TimeoutStopSec", "MemoryMax", "TasksMax"}
    wanted |= set() if "redis" in unit else {"WatchdogSec"}
    assert {setting for setting in wanted if len(lines_of(unit, setting)) != 1} == set()
    loaded = [line.partition(":")[0] for line in lines_of(unit, "LoadCredential")]
    assert loaded == ([] if "redis" in unit else [KEY_CREDENTIAL, PASSPHRASE_CREDENTIAL])
    # without a default systemd does not start a box whose file is not there, as one that a passphrase opens
    assert {line.partition(":")[0] for line in lines_of(unit, "SetCredential")} >= set(loaded)


@contextlib.contextmanager
def _with(root: Path, template: str, name: str, **told: object) -> Iterator[None]:
    """What the installation writes beside the model server's unit."""
    text = (ROOT / "ansible/roles" / template).read_text(encoding="utf-8")
    extra = root / "etc/systemd/system/salesedge-models.service.d" / name
    extra.parent.mkdir(exist_ok=True)
    extra.write_text(jinja2.Template(text).render(told))
    try:
        yield
    finally:
        extra.unlink()


def _judged(root: Path, unit: str) -> dict[str, bool]:
    judged = json.loads(_analyze(root, "security", "--offline=true", "--json=short", unit).stdout)
    return {one["json_field"]: one["set"] for one in judged}


@pytest.mark.parametrize("listens", ["10.0.0.4:9000", ""])
def test_the_model_server_has_a_network_only_where_others_ask_it(root: Path, listens: str) -> None:
    with _with(root, "app/templates/models.conf.j2", "20-listen.conf", app_merged={"models": {"listen": listens}}):
        assert _judged(root, "salesedge-models.service")["PrivateNetwork"] is not bool(listens)
        assert _exposure(root, "salesedge-models.service") <= MOST_EXPOSED


@pytest.mark.parametrize("driver", ["there", ""])
def test_the_model_server_is_let_at_devices_only_where_there_is_a_gpu(root: Path, driver: str) -> None:
    with _with(root, "models/templates/gpu.conf.j2", "20-gpu.conf", models_gpu={"stat": {"exists": bool(driver)}}):
        judged = _judged(root, "salesedge-models.service")
        assert {judged["PrivateDevices"], judged["MemoryDenyWriteExecute"]} == {not driver}
        assert _exposure(root, "salesedge-models.service") <= MOST_EXPOSED


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A box with a key, tables and a queue, as an installation leaves it; yields the environment of its processes."""
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as address:
        Redis.from_url(address).config_set("appendonly", "yes")
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SALESEDGE", "NOTIFY"))}
        own |= {
            "SALESEDGE_HOME": str(tmp_path / "home"), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(tmp_path / "keys/master.key"),
            "SALESEDGE__REDIS__URL": address, "SALESEDGE__SERVER__PORT": str(free_port()), "LANG": "C.UTF-8",
        }  # fmt: skip
        command = [sys.executable, "-m", "appliance.entrypoints.cli", "migrate", "--json"]
        subprocess.run(command, cwd=ROOT, env=own, check=True, capture_output=True)
        yield own


class Watched:
    """A process as systemd would start it, and what it says."""

    def __init__(self, unit: str, folder: Path, environment: dict[str, str]) -> None:
        self.unit, path = unit, folder / f"{_process_of(unit)}.notify"
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(path))
        confined = [sys.executable, str(ROOT / "tests/deploy/confined.py"), *allowed_calls(unit), "--"]
        own = environment | {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "4000000"}
        command = [*confined, sys.executable, "-m", "appliance.entrypoints.alone", _process_of(unit)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def await_word(self, word: str) -> None:
        ends = time.monotonic() + PATIENCE_S
        self._ear.settimeout(1)
        while time.monotonic() < ends:
            with contextlib.suppress(TimeoutError):
                if word in self._ear.recv(1024).decode().splitlines():
                    return
            assert self.process.poll() is None, f"{self.unit}: {self.process.stderr and self.process.stderr.read()}"
        raise AssertionError(f"{self.unit} never said {word}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)
        self._ear.close()
        return self.process.returncode


def test_each_process_serves_and_beats_under_what_its_unit_forbids(home: dict[str, str], tmp_path: Path) -> None:
    watched = [Watched(unit, tmp_path, home) for unit in SERVICES if _process_of(unit) in PROCESSES]
    try:
        for one in watched:
            one.await_word("READY=1")
            one.await_word("WATCHDOG=1")
        command = [sys.executable, "-m", "appliance.entrypoints.cli", "status", "--json"]
        told = subprocess.run(command, cwd=ROOT, env=home, capture_output=True, text=True, check=False)
        assert {name for name, check in json.loads(told.stdout).items() if not check["ok"]} == set(), told.stdout
        refused = subprocess.run([*command[:-2], "up"], cwd=ROOT, env=home, capture_output=True, text=True, check=False)
        assert (refused.returncode, "already runs" in refused.stderr) == (1, True), refused.stderr
    finally:
        codes = {one.unit: one.end() for one in watched}
    assert {unit: code for unit, code in codes.items() if code not in {0, -signal.SIGTERM}} == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="this unit is root's: run this test as root")
def test_an_update_is_brought_to_its_end_under_what_its_unit_forbids(home: dict[str, str]) -> None:
    """Root becomes another user and ends nothing of theirs but by its own clock; the data are put back, files of others stay theirs."""
    (left,) = lines_of(RESUME, "CapabilityBoundingSet")
    caps = ",".join(["-all", *(f"+{name.lower().removeprefix('cap_')}" for name in left.split())])
    confined = [sys.executable, str(ROOT / "tests/deploy/confined.py"), *allowed_calls(RESUME), "--", sys.executable]

    def run(*arguments: str, more: dict[str, str] | None = None) -> str:
        command = ["setpriv", f"--bounding-set={caps}", "--inh-caps=-all", *confined, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=home | (more or {}), capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-c", AS_ANOTHER)
    run("-m", "appliance.entrypoints.updating.copies", "keep", more={UPDATING: "1"})
    journal = Journal(Step.GATE, "1.0", "1.1", "", "", "2026-01-01T00:00:00+00:00", halted=True, migrates=True)
    releases = Releases(Path(home["SALESEDGE_HOME"]) / "releases")
    releases.root.mkdir()
    releases.write(journal)
    assert json.loads(run("-m", "appliance.entrypoints.cli", "update", "--resume", "--json"))["outcome"] == "undone"
    assert not (Path(home["SALESEDGE_HOME"]) / "before-update").exists()


def test_units_are_read_after_what_holds_for_all_of_them() -> None:
    """A drop-in comes after the unit: a setting in both places would silently lose what the unit says."""
    common = (UNITS / "salesedge-.service.d/10-every-process.conf").read_text(encoding="utf-8")
    named = set(re.findall(r"^(\w+)=", common, re.MULTILINE)) - {"After"}  # which adds up
    own = {unit: set(re.findall(r"^(\w+)=", (UNITS / unit).read_text(encoding="utf-8"), re.MULTILINE)) & named for unit in SERVICES}
    assert {unit: twice for unit, twice in own.items() if twice} == {}
