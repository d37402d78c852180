"""How the processes of a box are stopped and started for an update: by systemd where it has their units, else by its `salesedge up`."""

from __future__ import annotations

import json
import math
import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from appliance.core import updates
from appliance.core.i18n import gettext as _
from appliance.core.updates import LOOKS_EVERY_S, Releases
from appliance.entrypoints import up
from appliance.entrypoints.children import bound_to_us
from appliance.entrypoints.terminal import UPDATING, Failed

if TYPE_CHECKING:
    from appliance.core.config import Settings

STOPS_WITHIN_S = 90.0
SYSTEMD_S = 600.0
LONGEST_S = 24 * 3600.0
OVERDUE_S = 5.0  # for a clock that rang to be heeded
TARGET = "salesedge.target"
ENABLED = "enabled-units"
UNITS = Path("/etc/systemd/system")


class Processes(Protocol):
    def are_running(self) -> bool: ...

    def stop(self) -> None:
        """All have ended when it returns. Raises Failed."""

    def start(self) -> None:
        """Begins to; `are_up` tells when they are."""

    def are_up(self) -> bool:
        """Whether all of them run and the pages are ready."""

    def version(self) -> str:
        """Of the release that answers."""

    def leave(self) -> None:
        """After an update of a box that was not running: it is as it was."""


class Systemd:
    def __init__(self, settings: Settings, units: Path = UNITS) -> None:
        self._address, self._folder = up.address_of(settings), units

    def are_running(self) -> bool:
        return bool(self._units("active")) or _ask("is-active", "--quiet", TARGET).returncode == 0

    def stop(self) -> None:
        done = _ask("stop", TARGET, "salesedge-*.service")
        if done.returncode:
            raise Failed(_("systemd did not stop the processes: %(why)s", why=done.stderr.strip()[:200]))

    def start(self) -> None:
        _ask("daemon-reload")
        _ask("reset-failed", "salesedge-*.service")
        _ask("start", "--no-block", TARGET)

    def are_up(self) -> bool:
        return not self._units("activating", "deactivating", "failed", "inactive") and up.is_ready(self._address)

    def version(self) -> str:
        return version_at(self._address)

    def leave(self) -> None:
        self.stop()

    def take_units(self, folder: Path, before: Path) -> None:
        """Those that come with a release, for those of the one before. What anybody else wrote beside them stays."""
        wanted, brought = _units_in(folder), _units_in(before)
        if not wanted:  # laid down by an installation that did not keep them
            return
        gone = [place for place in brought if place not in wanted and (self._folder / place).exists()]
        _remember(before, [unit for unit in self._instances() if _template_of(unit) in gone])
        for place in gone:
            if place.parent == Path():
                _ask("disable", place.name)
            (self._folder / place).unlink()
        new = [path.name for path in wanted if path.parent == Path() and "@" not in path.name and not (self._folder / path).exists()]
        for place, content in wanted.items():
            _put(self._folder / place, content)
        os.sync()  # before the journal says that they are there
        _ask("daemon-reload")
        remembered = folder.with_name(ENABLED)
        for unit in (*new, *(remembered.read_text(encoding="utf-8").splitlines() if remembered.exists() else ())):
            _ask("enable", unit)
        remembered.unlink(missing_ok=True)

    def _instances(self) -> list[str]:
        """Of the templates, that are enabled."""
        return sorted({link.name for link in self._folder.glob("*.wants/salesedge*@?*")})

    def _units(self, *states: str) -> list[str]:
        """Of those that the target wants."""
        wanted = _ask("show", "--property=Wants", "--value", TARGET).stdout.split()
        wanted = [unit for unit in wanted if unit.startswith("salesedge-")]
        said = _ask("is-active", *wanted).stdout.split() if wanted else []
        return [unit for unit, state in zip(wanted, said, strict=False) if state in states]


def _units_in(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _template_of(instance: str) -> Path:
    name, _at, rest = instance.partition("@")
    return Path(f"{name}@.{rest.rpartition('.')[2]}")


def _remember(folder: Path, instances: list[str]) -> None:
    """Which of a release's were enabled, for going back to it: what is disabled is forgotten."""
    if instances:
        folder.with_name(ENABLED).write_text("\n".join(instances), encoding="utf-8")
        updates.sync(folder.with_name(ENABLED))
        updates.sync(folder.parent)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    begun = path.with_name(f".{path.name}.new")
    begun.write_bytes(content)
    begun.chmod(0o644)
    begun.replace(path)


def _ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SYSTEMD_S)  # noqa: S603 - of the system


class Foreground:
    """`salesedge up` stops its processes on SIGUSR1, waits while the box is halted, and begins again as the release that is current."""

    def __init__(self, settings: Settings, here: Releases) -> None:
        self._settings, self._here = settings, here
        self._own: subprocess.Popen[bytes] | None = None
        self._arguments = ["up"]
        self._waiting: int | None = None  # the process that was asked to stop and begins again by itself

    def are_running(self) -> bool:
        return up.holder_of(self._settings) is not None

    def stop(self) -> None:
        if self._own is not None:
            self._own.terminate()
            try:
                self._own.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._own.kill()
                self._own.wait()
            self._own = None
            return
        holder = up.holder_of(self._settings)
        if holder is None:
            return
        with suppress(OSError):  # gone meanwhile
            self._waiting = os.pidfd_open(holder.pid)
            self._arguments = _arguments_of(holder.pid)
            os.kill(holder.pid, signal.SIGUSR1)
        if not wait_until(lambda: up.holder_of(self._settings) is None, STOPS_WITHIN_S):
            raise Failed(_("`salesedge up` did not stop its processes in %(seconds)d seconds.", seconds=STOPS_WITHIN_S))

    def start(self, *, waits: bool = True) -> int | None:
        """`waits` for whom it stopped; where that one has ended, as where it is not to wait, it starts one. Whom it started."""
        if waits and not self._has_ended():
            return None
        command = [str(self._here.python_of(self._here.now)), "-m", "appliance.entrypoints.cli", *self._arguments]
        nothing, how = subprocess.DEVNULL, as_owner(self._settings)
        self._waiting = None
        self._own = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, **how)  # noqa: S603
        return self._own.pid

    def _has_ended(self) -> bool:
        return self._waiting is not None and bool(select.select([self._waiting], [], [], 0)[0])

    def are_up(self) -> bool:
        if self._has_ended() or (self._own is not None and self._own.poll() is not None):
            raise Failed(_("`salesedge up` ended at once."))
        holder = up.holder_of(self._settings)
        return holder is not None and up.is_ready(holder.address)

    def version(self) -> str:
        holder = up.holder_of(self._settings)
        return version_at(holder.address) if holder else ""

    def leave(self) -> None:
        holder = up.holder_of(self._settings)
        if self._own is None and holder is not None:  # started by an update that was killed
            os.kill(holder.pid, signal.SIGTERM)
        else:
            self.stop()


def _arguments_of(pid: int) -> list[str]:
    """What `salesedge` was called with."""
    said = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    return said[said.index("up") :] if "up" in said else ["up"]


def version_at(address: str) -> str:
    with suppress(OSError, ValueError), urllib.request.urlopen(f"http://{address}/health/live", timeout=10) as answer:
        return str(json.load(answer).get("version", ""))
    return ""


def processes_of(settings: Settings, here: Releases) -> Systemd | Foreground:
    has_units = here.is_installed and shutil.which("systemctl") and _ask("cat", TARGET).returncode == 0
    return Systemd(settings) if has_units else Foreground(settings, here)


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > ends:
            return False
        time.sleep(LOOKS_EVERY_S)
    return True


def as_owner(settings: Settings) -> dict[str, Any]:
    """For whatever touches the data: the user whose they are, not root who changes the program."""
    owner = settings.home.stat().st_uid
    if os.geteuid() != 0 or owner == 0:
        return {"cwd": "/", "umask": 0o077}
    person = pwd.getpwuid(owner)
    groups = os.getgrouplist(person.pw_name, person.pw_gid)
    return {"cwd": "/", "user": owner, "group": person.pw_gid, "extra_groups": groups, "umask": 0o077}


def call(settings: Settings, command: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Raises subprocess.TimeoutExpired: its own clock kills it then, since root without CAP_KILL may not.

    Nobody waits for what it started and left, nor, for long, for what cannot be killed. What they say goes into files: a pipe is read until
    the last of them has ended.
    """
    nothing, bound = subprocess.DEVNULL, bound_to_us()

    def bound_in_time() -> None:
        bound()
        signal.alarm(math.ceil(timeout_s))

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(  # noqa: S603 - our own commands
            command, env=os.environ | {UPDATING: "1"}, stdin=nothing, stdout=out, stderr=err, **as_owner(settings),
            preexec_fn=bound_in_time,  # noqa: PLW1509 - no threads here
        )  # fmt: skip
        try:
            code = child.wait(timeout_s + OVERDUE_S)
        except BaseException:
            with suppress(PermissionError, subprocess.TimeoutExpired):
                child.kill()
                child.wait(OVERDUE_S)
            raise
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(command, timeout_s)
        return subprocess.CompletedProcess(command, code, _read(out), _read(err))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def run(settings: Settings, python: Path, module: str, *arguments: str, timeout_s: float = LONGEST_S) -> dict[str, Any]:
    """What it says in JSON. Raises Failed with its sentence. It ends with this process: nobody works on data that are put back."""
    command = [str(python), "-m", f"appliance.entrypoints.{module}", *arguments]
    done = call(settings, command, timeout_s)
    said = done.stdout.strip().splitlines()
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or said or [str(done.returncode)])[-1][:500])
    return dict(json.loads(said[-1])) if said else {}
