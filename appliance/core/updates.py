"""Where a box's releases lie, how far an update has come, and whether the doors are closed while it is tried.

The journal is one file beside the releases, written whole and synced before each step: whoever finds a box after a power cut reads there
what was going on. It belongs to who may change the program; the processes only read it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from appliance import __version__
from appliance.core import clock
from appliance.core.config import default_home
from appliance.core.i18n import gettext
from appliance.core.manifest import Check, CheckResult
from appliance.core.records import known_to

if TYPE_CHECKING:
    from appliance.core.box import Box

LOOKS_EVERY_S = 0.2
ASKS_S = 2.0  # others hold the lock for a moment, to see whether somebody has it
KEPT_FOR = timedelta(days=3)  # the copy of the data from before an update: no erasure reaches it
FOLDER = "releases"  # in the data folder, of a box that nobody installed
SPARE = ".spare"
_NAMED = re.compile(r"\d[\d.]*-[0-9a-f]{12}")
INTERRUPTED = "An update was interrupted. Run `salesedge update --resume`: the box is then wholly the old release or wholly the new one."


class Step(StrEnum):
    """In their order. Up to REHEARSE nothing was touched; from STOP to GATE the doors are closed; at OPEN it is the new release."""

    PREPARE = "prepare"
    BACKUP = "backup"
    REHEARSE = "rehearse"
    STOP = "stop"
    KEEP = "keep"
    MIGRATE = "migrate"
    SWITCH = "switch"
    GATE = "gate"
    UNDO = "undo"
    OPEN = "open"
    DONE = "done"


TOUCHES_NOTHING = frozenset({Step.PREPARE, Step.BACKUP, Step.REHEARSE})
CLOSED = frozenset({Step.STOP, Step.KEEP, Step.MIGRATE, Step.SWITCH, Step.GATE, Step.UNDO})
CHANGED = frozenset({Step.MIGRATE, Step.SWITCH, Step.GATE, Step.UNDO})  # the data may be the new release's


class Outcome(StrEnum):
    UPDATED = "updated"
    REFUSED = "refused"  # before anything was stopped
    UNDONE = "undone"
    ROLLED_BACK = "rolled back"  # by a person, later


@dataclass(frozen=True)
class Journal:
    """`before` and `after` are names of release folders; an empty one is the program the box was set up with.

    While it is `halted` no process of the box starts.
    """

    step: Step
    from_version: str
    to_version: str
    before: str
    after: str
    began_at: str
    was_running: bool = False
    halted: bool = False
    migrates: bool = False
    outcome: Outcome | None = None
    failed_step: str = ""
    reason: str = ""
    ended_at: str = ""
    is_off: bool = False  # put back, it did not come up again
    pid: int = 0  # of who updates


class NotRoots(Exception):
    """Others than root may change what root was to go by. Its one argument is the path."""


@dataclass(frozen=True)
class Releases:
    root: Path

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def is_installed(self) -> bool:
        """By the installation, for systemd; else under `salesedge up`."""
        return self.root.name != FOLDER

    @property
    def now(self) -> str:
        """Name of the folder in use; empty for the program the box was set up with."""
        return self.current.readlink().name if self.current.is_symlink() else ""

    def python_of(self, name: str) -> Path:
        """For no name the one that is kept in `own`: where the box was set up. Raises NotRoots."""
        check_is_roots(self.root)
        if name:
            return self.root / name / "venv/bin/python"
        own = self.root / "own"
        return Path(own.read_text(encoding="utf-8")) if own.exists() else Path(sys.executable)

    def is_own(self, name: str) -> bool:
        """Whether this process is of that release."""
        return Path(sys.prefix).resolve() == (self.root / name / "venv").resolve()

    def point_at(self, name: str) -> None:
        """At once, and for good; no name takes the link away."""
        if name:
            begun = self.root / ".current.new"
            begun.unlink(missing_ok=True)
            begun.symlink_to(self.root / name if self.is_installed else name)
            begun.replace(self.current)
        else:
            self.current.unlink(missing_ok=True)
        sync(self.root)

    def read(self) -> Journal | None:
        try:
            told = json.loads((self.root / "update.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        known = known_to(Journal, told)
        outcome = known.pop("outcome", None)
        return Journal(**{**known, "step": Step(known["step"]), "outcome": Outcome(outcome) if outcome else None})

    @property
    def was_abandoned(self) -> bool:
        """An update was begun and whoever did it is gone."""
        journal = self.read()
        return journal is not None and journal.step != Step.DONE and not self.is_being_updated()

    @property
    def is_halted(self) -> bool:
        journal = self.read()
        return journal is not None and journal.halted

    def write(self, journal: Journal, **changes: Any) -> Journal:
        changed = replace(journal, **changes)
        self._write("update.json", json.dumps(asdict(changed), indent=1).encode())
        return changed

    def _write(self, name: str, content: bytes) -> None:
        """Whole and for good, or not at all."""
        begun = self.root / f".{name}.new"
        with begun.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.chmod(0o644)
        begun.replace(self.root / name)
        sync(self.root)

    def remember_own(self) -> None:
        """Where the box was set up."""
        self._write("own", sys.executable.encode())

    def keep_room(self) -> None:
        """On a disk that fills up: for the journal, whose undo has to be written."""
        self._write(SPARE, os.urandom(2**20))

    def give_room(self) -> None:
        (self.root / SPARE).unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else updates this box. The lock ends with its process."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o755)
        with (self.root / "update.lock").open("w") as lock:
            (self.root / "update.lock").chmod(0o600)  # who can open it can hold it
            ends = time.monotonic() + ASKS_S
            while not is_locked(lock, fcntl.LOCK_EX):
                if time.monotonic() > ends:
                    yield False
                    return
                time.sleep(LOOKS_EVERY_S)
            yield True

    def is_being_updated(self) -> bool:
        """Whether the process that updates is alive."""
        try:
            with (self.root / "update.lock").open("r") as lock:
                return not is_locked(lock, fcntl.LOCK_SH)
        except PermissionError:  # root's, and the box's own user asks
            journal = self.read()
            return journal is not None and _is_alive(journal.pid)
        except OSError:
            return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid or sys.maxsize, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def check_is_roots(*paths: Path) -> None:
    """What root goes by nobody else may change, nor any folder on the way to it: who could would be root. Raises NotRoots."""
    if os.geteuid() != 0:
        return
    for path in paths:
        for place in {way for end in (path.absolute(), path.resolve()) for way in (end, *end.parents)}:
            with suppress(FileNotFoundError):
                told = place.lstat()
                is_kept = stat.S_ISLNK(told.st_mode) or (stat.S_ISDIR(told.st_mode) and told.st_mode & stat.S_ISVTX)
                if told.st_uid != 0 or (told.st_mode & 0o022 and not is_kept):
                    raise NotRoots(place)


def is_locked(file: IO[str] | int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync(path: Path) -> None:
    """A file or a folder is on the disk for good when it returns."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def releases() -> Releases:
    """Of this program: the folder that its release lies in, or the data folder's for a program that is in none."""
    own = Path(sys.prefix).resolve().parent  # units reach it by `current`
    if _NAMED.fullmatch(own.name):
        return Releases(own.parent)
    return Releases(default_home() / FOLDER)


def keeps_copy(journal: Journal | None) -> bool:
    """Whether the data from before the last update may still be gone back to."""
    if journal is None or journal.outcome is not Outcome.UPDATED or not journal.migrates:
        return False
    return clock.now() - datetime.fromisoformat(journal.ended_at) < KEPT_FOR


_is_open = False


def doors_are_closed() -> bool:
    """While a new release shows that it is well nothing is taken in and nothing sent: it may still be undone."""
    global _is_open  # noqa: PLW0603 - once opened they stay so for the life of this process
    if not _is_open:
        journal = releases().read()
        _is_open = journal is None or journal.step not in CLOSED
    return not _is_open


def await_open_doors(stop: threading.Event) -> None:
    while doors_are_closed() and not stop.is_set():
        time.sleep(LOOKS_EVERY_S)


def check_release(box: Box) -> CheckResult:
    del box
    found = releases()
    journal = found.read()
    if journal is None:
        return CheckResult(ok=True, detail=__version__)
    if journal.step is not Step.DONE:
        return CheckResult(ok=found.is_being_updated(), detail=f"{__version__}: {journal.step.value}", fix=INTERRUPTED)
    return CheckResult(ok=True, detail=f"{__version__}. {said_of(journal)}")


def said_of(journal: Journal) -> str:
    """How the last update ended, in a sentence."""
    versions = {"before": journal.from_version, "after": journal.to_version, "when": journal.ended_at[:16].replace("T", " ")}
    if journal.outcome == Outcome.UPDATED:
        return gettext("Updated from %(before)s to %(after)s on %(when)s UTC.", **versions)
    if journal.outcome == Outcome.ROLLED_BACK:
        return gettext("Put back from %(after)s to %(before)s on %(when)s UTC.", **versions)
    said = gettext("The update from %(before)s to %(after)s on %(when)s UTC did not happen: this box has %(before)s.", **versions)
    is_off = " " + gettext("It did not come up again: start it and look at what it says.") if journal.is_off else ""
    return f"{said} ({journal.failed_step}: {journal.reason}){is_off}"


CHECK = Check("release", check_release, thorough=True)
