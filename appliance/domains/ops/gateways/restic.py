"""A repository of restic (https://restic.readthedocs.io): encrypted, deduplicated, on a folder, over SFTP, or on S3."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from appliance.core import i18n
from appliance.core.i18n import lazy_gettext as _
from appliance.core.storage import BackupTarget
from appliance.core.stores import MARK
from appliance.domains.ops.errors import BackupFailed, NoRepository, NoSuchBackup, OtherKey
from appliance.domains.ops.gateways.processes import Run, running
from appliance.domains.ops.rules.addresses import Place, place_of
from appliance.domains.ops.types import FILES, UNREAD, Snapshot

HOST = "salesedge"  # one name, so that a box which moved goes on where it was
FILES_VANISHED = 3  # restic's exit code when it could not read everything
STEP_S, LEAST_S = 600.0, 1.0
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "XDG_RUNTIME_DIR")
_ASKS_WHETHER, _NOT_THERE = "Is there a repository at the following location?", ("no such file or directory", "does not exist")
_REASONS: tuple[tuple[str, object], ...] = (
    ("no space left on device", _("The target is full. Free space there, or keep fewer backups.")),
    (
        "ciphertext verification failed",
        _("The repository is damaged. If no backup was ever stored there, its making was cut off: empty the folder."),
    ),
    ("already locked", _("Somebody else works on this repository just now.")),
    ("Host key verification failed", _("The SFTP server shows another host key than the one that is pinned.")),
    ("Permission denied", _("The target refused the key, or does not let the box write.")),
    ("Access Denied", _("The target refused the key, or does not let the box write.")),
    ("request signature we calculated does not match", _("The target refused the key, or does not let the box write.")),
    ("Access Key Id you provided does not exist", _("The target refused the key, or does not let the box write.")),
    ("permission denied", _("The box may not write to this folder.")),
    ("connection refused", _("The target does not answer.")),
    ("Connection refused", _("The target does not answer.")),
    ("no route to host", _("The target does not answer.")),
)


@dataclass(frozen=True)
class Stored:
    """One snapshot that was made; sizes in bytes."""

    id: str
    processed: int
    added: int


@dataclass(frozen=True)
class Repository:
    """`key`: 32 bytes, told to restic through a pipe. `until`: by the monotonic clock, when all that is done with it has to have ended."""

    target: BackupTarget
    key: bytes
    cache: Path
    until: float

    @property
    def timeout_s(self) -> float:
        """What is left."""
        return max(self.until - time.monotonic(), LEAST_S)

    def exists(self) -> bool:
        """Lets go of locks whose processes are gone; those of others stay. Raises OtherKey, BackupFailed."""
        try:
            self._do("unlock")
        except NoRepository:
            return False
        return True

    def create(self) -> None:
        """Raises BackupFailed where backups lie whose repository is not whole."""
        place = place_of(self.target.repository)
        if place is not None and place.is_here:
            self._clear(Path(place.path))
        self._do("init")

    def _clear(self, folder: Path) -> None:
        """The key of an `init` that was cut off goes. Of two that one password opens restic takes either, and calls the other's damaged."""
        if any(path.is_file() for name in ("data", "index", "snapshots") for path in (folder / name).rglob("*")):
            raise BackupFailed(_("What lies at %(place)s is no whole backup repository. Name another folder.", place=folder))
        for key in (folder / "keys").glob("*"):
            try:
                if key.is_file() and key.name == sha256(key.read_bytes()).hexdigest():  # as restic names what it stores
                    key.unlink()
            except OSError as err:
                raise BackupFailed(_("%(path)s: %(why)s", path=key, why=i18n.reason_of(err))) from err

    def snapshots(self) -> list[Snapshot]:
        found = json.loads(self._do("snapshots", "--json", "--no-lock"))
        return [_snapshot(one) for one in found or [] if one.get("tags")]

    def store_stream(self, name: str, tags: Sequence[str], at: datetime, write: Callable[[IO[bytes]], None]) -> Stored:
        """What `write` writes becomes one file. Nothing is kept when it raises."""
        command = ("backup", "--json", "--stdin", "--stdin-filename", name, *_marks(tags, at))
        with self._running(*command, writes=True) as run:
            assert run.process.stdin is not None
            with suppress(ConnectionError):  # restic ended, and says why
                write(run.process.stdin)
        return _stored(self._checked(run))

    def store_folder(self, folder: Path, names: Sequence[str], tags: Sequence[str], at: datetime, *, part: str = FILES) -> Stored:
        """The part of the files, once all of them were read: what restic could not read whole it stores all the same, and says so after.

        A file may go while it is being read: that is tried once more, for what is left.
        """
        for _attempt in range(2):
            marks = _marks([f"part:{UNREAD}", *tags], at)
            with self._running("backup", "--json", "--exclude", "*.part", "--exclude", MARK, *marks, *names, folder=folder) as run:
                pass
            if run.process.returncode != FILES_VANISHED:
                stored = _stored(self._checked(run))
                self.name(stored, [f"part:{part}", *tags])
                return stored
        raise self._reason(run)

    def name(self, stored: Stored, tags: Sequence[str]) -> None:
        """What it is, in place of what it was until now."""
        self._do("tag", "--set", ",".join(tags), stored.id)

    @contextmanager
    def reading(self, snapshot: str, name: str) -> Iterator[IO[bytes]]:
        """One file of a snapshot as a stream; it has to be read to its end."""
        with self._running("dump", "--no-lock", snapshot, f"/{name}", reads=True) as run:
            assert run.process.stdout is not None
            yield run.process.stdout
        self._checked(run)

    def read(self, snapshot: str, name: str) -> bytes:
        with self.reading(snapshot, name) as stream:
            return stream.read()

    def restore_folder(self, snapshot: str, folder: Path, *, only: Sequence[str] = ()) -> None:
        included = [part for name in only for part in ("--include", f"/{name}")]
        self._do("restore", "--no-lock", snapshot, "--target", str(folder), *included, timeout_s=self.timeout_s)

    def size(self, snapshot: str) -> int:
        """Bytes that restoring it takes."""
        return int(json.loads(self._do("stats", "--json", "--no-lock", "--mode", "restore-size", snapshot))["total_size"])

    def forget(self, snapshots: Sequence[str]) -> None:
        """What nothing else needs of them is destroyed: all of it, not only what saves room, since there may be keys in it."""
        if snapshots:
            self._do("forget", "--prune", "--max-unused", "0", *snapshots, timeout_s=self.timeout_s)

    def check(self, *, read_data: bool) -> None:
        """Raises BackupFailed when the repository is damaged."""
        self._do("check", *(["--read-data"] if read_data else []), timeout_s=self.timeout_s)

    def _do(self, *arguments: str, timeout_s: float = STEP_S) -> str:
        with self._running(*arguments, timeout_s=timeout_s) as run:
            pass
        return self._checked(run)

    @contextmanager
    def _running(self, *arguments: str, timeout_s: float = 0, folder: Path | None = None, **pipes: bool) -> Iterator[Run]:
        key_end, our_end = os.pipe()
        try:
            os.write(our_end, self.key.hex().encode())
            os.close(our_end)
            command = ["restic", "--password-file", f"/dev/fd/{key_end}", "--cache-dir", str(self.cache), *self._options(), *arguments]
            left = min(timeout_s or self.timeout_s, self.timeout_s)
            limits = {"timeout_s": left, "hands": (key_end,), "folder": str(folder) if folder else None}
            with running(command, self._environment(), **limits, **pipes) as run:  # type: ignore[arg-type]  # mixed values
                yield run
        finally:
            os.close(key_end)

    def _options(self) -> list[str]:
        place = place_of(self.target.repository)
        options = ["--cacert", str(self.target.ca_file)] if self.target.ca_file else []
        if place is not None and place.kind == "sftp":
            options += ["-o", f"sftp.command={shlex.join(_ssh(self.target, place))}"]
        return options

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        keys = {"AWS_SHARED_CREDENTIALS_FILE": str(self.target.credentials_file)} if self.target.credentials_file else {}
        return {**passed, **keys, "RESTIC_REPOSITORY": self.target.repository, "RESTIC_PROGRESS_FPS": "0.016", "LC_ALL": "C"}

    def _said_by_ssh(self) -> str:
        """Why it does not connect: restic may end before it has passed that on."""
        place = place_of(self.target.repository)
        assert place is not None
        with running(_ssh(self.target, place), self._environment(), timeout_s=60) as run:
            pass
        return run.complaint

    def _checked(self, run: Run) -> str:
        if run.process.returncode != 0:
            raise self._reason(run)
        return run.said

    def _reason(self, run: Run) -> Exception:
        said = run.complaint
        if "wrong password" in said:
            return OtherKey()
        if "no matching ID found" in said or "no snapshot found" in said:
            return NoSuchBackup()
        if "unable to start the sftp session" in said:
            said += self._said_by_ssh()
        known = next((sentence for words, sentence in _REASONS if words in said), None)
        if known is None and _ASKS_WHETHER in said and any(words in said for words in _NOT_THERE):
            return NoRepository(_("There is no backup repository at %(place)s. Is the disk mounted?", place=self.target.repository))
        lines = [line for line in said.splitlines() if line.strip()] or ["restic"]
        told = next((line for line in reversed(lines) if line.startswith("Fatal:")), lines[-1])
        return BackupFailed(known or _("restic failed: %(why)s", why=told[:300]))


def _ssh(target: BackupTarget, place: Place) -> list[str]:
    """Asks nobody, and trusts only the pinned host key."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
             "-o", "ServerAliveCountMax=4", "-p", str(place.port)]  # fmt: skip
    if target.known_hosts_file:
        words += ["-o", f"UserKnownHostsFile={target.known_hosts_file}", "-o", "GlobalKnownHostsFile=/dev/null"]
    if target.identity_file:
        words += ["-i", str(target.identity_file), "-o", "IdentitiesOnly=yes"]
    return [*words, f"{place.user}@{place.host}" if place.user else place.host, "-s", "sftp"]


def _marks(tags: Sequence[str], at: datetime) -> list[str]:
    return ["--host", HOST, "--tag", ",".join(tags), "--time", at.astimezone().strftime("%Y-%m-%d %H:%M:%S")]


def _snapshot(told: dict[str, Any]) -> Snapshot:
    tags = dict(tag.partition(":")[::2] for tag in told["tags"])
    taken_at = datetime.fromisoformat(told["time"][:19] + _zone(told["time"]))
    return Snapshot(
        told["id"], tags.get("part", ""), tags.get("set", ""), tags.get("sum", ""), taken_at, number=int(tags.get("number", 0)),
        chain=tags.get("chain", ""), moment=float(tags.get("moment", 0)), begins=tags.get("begins", ""),
    )  # fmt: skip


def _zone(moment: str) -> str:
    """Of an RFC 3339 time with any number of digits behind the second."""
    return moment[-6:] if moment[-6] in "+-" else "+00:00"


def _stored(said: str) -> Stored:
    summary = next(one for one in map(json.loads, reversed(said.splitlines())) if one["message_type"] == "summary")
    return Stored(summary["snapshot_id"], summary["total_bytes_processed"], summary["data_added"])
