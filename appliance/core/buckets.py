"""Sealed files in a bucket of an S3-compatible store, and the folder that backups of it are taken from."""

from __future__ import annotations

import filecmp
import hashlib
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from sqlalchemy import func, select, text

from appliance.core.errors import NotFound, Refused, Unavailable, for_operators
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.stores import MARK, Door, FolderDoor, FolderStore, gone, needs_room

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from appliance.core.config import NetworkSettings, Settings
    from appliance.core.db import Database
    from appliance.core.storage import FilesSettings
    from appliance.core.stores import FileStore

WAITS_S = 600  # a backup, for who deletes just now
PROBE = ".probe-"
COPY_STAYS_S = 7 * 86_400  # after the last backup that was taken from it
_LOCK = 0x5A1EF11E  # PostgreSQL advisory lock: "salesedge files"
_OURS = re.compile(r"[0-9a-f]{32}/[0-9a-f]{2}/[0-9a-f]{32}")
T = TypeVar("T")


def store_of(settings: Settings, database: Database | None = None) -> FileStore:
    """Where this box's files lie. Without a database nobody is kept from deleting: for a box that does not run."""
    folder = settings.home / "blobs"
    if not settings.files.endpoint:
        return FolderStore(folder)
    door: Door = DatabaseDoor(database.engine) if database is not None and database.is_postgresql else FolderDoor(folder)
    return BucketStore(settings.files, settings.network, folder, door)


@dataclass(frozen=True)
class Lying:
    """A file in the bucket, of `size` bytes. `etag` is another for each content."""

    name: str
    size: int
    changed_at: datetime
    etag: str

    @property
    def time_ns(self) -> int:
        """What its copy here is told by: the second it was stored, and in its fraction which content that was."""
        return int(self.changed_at.timestamp()) * 10**9 + int(hashlib.sha256(self.etag.encode()).hexdigest()[:8], 16) % 10**9


class BucketStore:
    """`copy`: the folder on this machine that backups are taken from; files on their way lie beside it, sealed, without a name."""

    def __init__(self, files: FilesSettings, network: NetworkSettings, copy: Path, door: Door) -> None:
        from appliance.core.s3 import Bucket  # noqa: PLC0415 - only a box with a bucket pays for it

        self.door = door
        self.copy = copy
        self.bucket = Bucket(files, network)

    def write(self, name: str, fill: Callable[[BinaryIO], T]) -> T:
        with self._spool() as file:
            with needs_room():
                done = fill(file)
                file.seek(0)
            self.bucket.ask("put_object", name, Body=file)
        return done

    def rewrite(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        """Where two do this at once, each writes a whole file with the same content."""
        if not self.has(name):
            raise gone()
        self.write(name, fill)

    def open(self, name: str) -> BinaryIO:
        """The whole file is here before the first byte is read: a slow reader holds no connection."""
        with ExitStack() as unless_read:
            file = unless_read.enter_context(self._spool())
            self._fetch(name, file)
            unless_read.pop_all()
        return file

    def _fetch(self, name: str, file: BinaryIO) -> None:
        with self.bucket.reading(name) as chunks:
            for chunk in chunks:
                with needs_room():
                    file.write(chunk)
        with needs_room():
            file.seek(0)  # also writes the last of it

    def begin_of(self, name: str, size: int) -> bytes:
        try:
            with self.bucket.reading(name, Range=f"bytes=0-{size - 1}") as chunks:
                return b"".join(chunks)
        except NotFound:
            return b""

    def has(self, name: str) -> bool:
        return any(lying.name == name for lying in self.lying(name))

    def delete(self, name: str) -> None:
        with suppress(NotFound):  # some stores say so
            self.bucket.ask("delete_object", name)
        (self.copy / name).unlink(missing_ok=True)

    def delete_all(self, folder: str) -> None:
        for lying in self.lying(f"{folder}/"):
            self.delete(lying.name)
        shutil.rmtree(self.copy / folder, ignore_errors=True)

    def forgotten(self, before: datetime) -> Iterator[Lying]:
        """What was stored before then, for whoever knows which of it is still named."""
        return (lying for lying in self.lying() if lying.changed_at < before)

    def shelves(self, folder: str) -> list[str]:
        found = self.bucket.pages(f"{folder}/", Delimiter="/")
        return sorted(str(one["Prefix"]).rstrip("/").rpartition("/")[2] for page in found for one in page.get("CommonPrefixes", ()))

    def names(self, folder: str) -> Iterator[str]:
        return (lying.name for lying in self.lying(f"{folder}/"))

    def lying(self, begins: str = "") -> Iterator[Lying]:
        """Only what is called as the box's own files are: a name from outside leads nowhere on this machine's disk."""
        for page in self.bucket.pages(begins):
            for one in page.get("Contents", ()):
                name = self.bucket.name_of(one["Key"])
                if _OURS.fullmatch(name):
                    yield Lying(name, int(one["Size"]), one["LastModified"], str(one["ETag"]))

    @for_operators()
    def gather(self, *, within_s: float | None = None) -> Path:
        """Only what is not there yet, or was changed, is fetched; what is gone from the bucket goes from the copy.

        Raises Refused where the folder holds files of another place, which would go. What was fetched when the time was over stays.
        """
        ends = time.monotonic() + within_s if within_s is not None else math.inf
        self.check_it_is_a_copy()
        self.mark()
        there: set[Path] = set()
        for lying in self.lying():
            path = self.copy / lying.name
            there.add(path)
            if not _is_same(path, lying):
                if time.monotonic() > ends:
                    raise Unavailable(_("Copying the files from the bucket took too long. The next backup goes on with it."))
                with suppress(NotFound):  # deleted meanwhile
                    self._fetch_to(path, lying)
        for path in self.copy.glob("*/*/*"):
            if path not in there:
                path.unlink(missing_ok=True)
        return self.copy

    def drop_old_copy(self) -> None:
        """What was erased since must not stay on a machine that takes no backups any more."""
        mark = self.copy / MARK
        if self._is_marked() and mark.stat().st_mtime < time.time() - COPY_STAYS_S:
            for path in self.copy.glob("*/*/*"):
                path.unlink(missing_ok=True)

    def _is_marked(self) -> bool:
        mark = self.copy / MARK
        return mark.is_file() and mark.read_text(encoding="utf-8") == self.bucket.address

    def check_it_is_a_copy(self) -> None:
        """Raises Refused."""
        if not self._is_marked() and any(self.copy.glob("*/*/*")):
            said = _("The folder %(path)s holds files that may not be in the bucket: salesedge files copy --to bucket", path=self.copy)
            raise Refused(said)

    def mark(self, folder: Path | None = None) -> None:
        """From now on the folder, or one that takes its place, is a copy, and holds nothing that the bucket does not."""
        folder = folder or self.copy
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / MARK).write_text(self.bucket.address, encoding="utf-8")

    def _fetch_to(self, path: Path, lying: Lying) -> None:
        part = path.with_suffix(".part")
        try:
            with needs_room():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with part.open("wb") as file:
                    self._fetch(lying.name, file)
                os.utime(part, ns=(lying.time_ns, lying.time_ns))
                part.rename(path)
        finally:
            part.unlink(missing_ok=True)

    @for_operators()
    def take_in(self) -> int:
        """What the folder holds and the bucket lacks; from then on the folder is a copy. How many files. Raises Refused where it is one:
        what the bucket lacks was deleted then.
        """
        if self._is_marked():
            raise Refused(_("The folder %(path)s is a copy of this bucket already: nothing in it has to be sent.", path=self.copy))
        there = {lying.name for lying in self.lying()}
        number = sum(self._send(path, name) for path, name in _named(self.copy) if name not in there)
        self._note(self.copy)
        self.mark()
        return number

    @for_operators()
    def replace_by(self, folder: Path) -> None:
        """All that this folder holds. What lies in the bucket with the same content, as the copy has it, stays; `keep_only` ends it."""
        for path, name in _named(folder):
            if not ((self.copy / name).is_file() and filecmp.cmp(path, self.copy / name, shallow=False)):
                self._send(path, name)

    def _send(self, path: Path, name: str) -> bool:
        with path.open("rb") as file:
            self.bucket.ask("put_object", name, Body=file)
        return True

    def _note(self, folder: Path) -> None:
        """So that a later `gather` fetches none of these again."""
        for lying in self.lying():
            path = folder / lying.name
            if path.is_file() and path.stat().st_size == lying.size:
                os.utime(path, ns=(lying.time_ns, lying.time_ns))

    @for_operators()
    def keep_only(self) -> None:
        """The folder is what the bucket shall hold, and all of it is there: what is more is deleted."""
        for lying in self.lying():
            if not (self.copy / lying.name).is_file():
                self.delete(lying.name)
        self._note(self.copy)

    @for_operators()
    def is_empty(self) -> bool:
        return next(self.lying(), None) is None

    @for_operators()
    def try_out(self) -> None:
        """Writes, reads and deletes a file. Raises Unavailable."""
        name = f"{PROBE}{new_id().hex}"
        self.bucket.ask("put_object", name, Body=b"1")
        try:
            with self.bucket.reading(name) as chunks:
                list(chunks)
        finally:
            self.bucket.ask("delete_object", name)

    def keeps_versions(self) -> bool:
        """Whether what is deleted stays as an older version. A store that does not say keeps none, as far as one can tell."""
        try:
            answer = self.bucket.ask("get_bucket_versioning")
        except (Unavailable, NotFound):
            return False
        return bool(answer.get("Status") == "Enabled")

    def _spool(self) -> BinaryIO:
        """A file that has a name at no time: whoever is killed leaves nothing."""
        with needs_room():
            self.copy.mkdir(parents=True, exist_ok=True, mode=0o700)
            return tempfile.TemporaryFile(dir=self.copy)


class DatabaseDoor:
    """Of machines that share a bucket and a database, PostgreSQL knows who keeps and who deletes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def kept(self) -> Iterator[None]:
        waits = {"lock_timeout": f"{WAITS_S}s", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
        with self._engine.connect() as connection, connection.begin():
            for setting, value in waits.items():
                connection.execute(select(func.set_config(setting, value, True)))
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            yield
            connection.execute(text("SELECT 1"))  # a lock that went with its connection kept nothing

    @contextmanager
    def deleting(self) -> Iterator[bool]:
        with self._engine.connect() as connection, connection.begin():
            connection.execute(select(func.set_config("idle_in_transaction_session_timeout", "0", True)))
            yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock_shared(_LOCK))))


def _named(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files of a folder that is laid out as a bucket is, with their names there."""
    return ((path, path.relative_to(folder).as_posix()) for path in sorted(folder.glob("*/*/*")) if not path.suffix)


def _is_same(path: Path, lying: Lying) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return (found.st_size, found.st_mtime_ns) == (lying.size, lying.time_ns)
