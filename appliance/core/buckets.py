"""Sealed files in a bucket of an S3-compatible store, and the folder that backups of it are taken from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from sqlalchemy import func, select, text

from appliance.core.errors import NotFound, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.stores import Door, FolderDoor, FolderStore, gone, no_room

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from appliance.core.config import NetworkSettings, Settings
    from appliance.core.db import Database
    from appliance.core.storage import FilesSettings
    from appliance.core.stores import FileStore

WAITS_S = 600  # a backup, for who deletes just now
PROBE = ".probe"
MARK = ".bucket"  # in a folder that is no more than a copy of the bucket which stands in it
_LOCK = 0x5A1EF11E  # PostgreSQL advisory lock: "salesedge files"
T = TypeVar("T")


def store_of(settings: Settings, database: Database | None = None) -> FileStore:
    """Where this box's files lie. Without a database nobody is kept from deleting: for a box that does not run."""
    folder = settings.home / "blobs"
    if not settings.files.endpoint:
        (folder / MARK).unlink(missing_ok=True)  # from now on it is more than a copy
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
            try:
                done = fill(file)
                file.seek(0)
            except OSError as err:
                raise no_room() from err
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
            file.seek(0)
            unless_read.pop_all()
        return file

    def _fetch(self, name: str, file: BinaryIO) -> None:
        with self.bucket.reading(name) as chunks:
            for chunk in chunks:
                try:
                    file.write(chunk)
                except OSError as err:
                    raise no_room() from err

    def begin_of(self, name: str, size: int) -> bytes:
        try:
            with self.bucket.reading(name, Range=f"bytes=0-{size - 1}") as chunks:
                return b"".join(chunks)
        except NotFound:
            return b""

    def has(self, name: str) -> bool:
        try:
            self.bucket.ask("head_object", name)
        except NotFound:
            return False
        return True

    def delete(self, name: str) -> None:
        self.bucket.ask("delete_object", name)
        (self.copy / name).unlink(missing_ok=True)

    def delete_all(self, folder: str) -> None:
        for lying in self.lying(f"{folder}/"):
            self.bucket.ask("delete_object", lying.name)
        shutil.rmtree(self.copy / folder, ignore_errors=True)

    def shelves(self, folder: str) -> list[str]:
        found = self.bucket.pages(f"{folder}/", Delimiter="/")
        return sorted(str(one["Prefix"]).rstrip("/").rpartition("/")[2] for page in found for one in page.get("CommonPrefixes", ()))

    def names(self, folder: str) -> Iterator[str]:
        return (lying.name for lying in self.lying(f"{folder}/"))

    def lying(self, begins: str = "") -> Iterator[Lying]:
        for page in self.bucket.pages(begins):
            for one in page.get("Contents", ()):
                name = self.bucket.name_of(one["Key"])
                if name != PROBE:
                    yield Lying(name, int(one["Size"]), one["LastModified"], str(one["ETag"]))

    def gather(self) -> Path:
        """Only what is not there yet, or was changed, is fetched; what is gone from the bucket goes from the copy.

        Raises Refused where the folder holds files of another place, which would go.
        """
        self._check_it_is_a_copy()
        there: set[Path] = set()
        for lying in self.lying():
            path = self.copy / lying.name
            there.add(path)
            if not _is_same(path, lying):
                with suppress(NotFound):  # deleted meanwhile
                    self._fetch_to(path, lying)
        for path in self.copy.glob("*/*/*"):
            if path not in there:
                path.unlink(missing_ok=True)
        return self.copy

    def _check_it_is_a_copy(self) -> None:
        mark = self.copy / MARK
        told = mark.read_text(encoding="utf-8") if mark.is_file() else ""
        if told == self.bucket.address:
            return
        if any(self.copy.glob("*/*/*")):
            said = _("The folder %(path)s holds files that may not be in the bucket: salesedge files copy --to bucket", path=self.copy)
            raise Refused(said)
        self.mark()

    def mark(self) -> None:
        """From now on the folder is a copy, and holds nothing that the bucket does not."""
        self.copy.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.copy / MARK).write_text(self.bucket.address, encoding="utf-8")

    def _fetch_to(self, path: Path, lying: Lying) -> None:
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("wb") as file:
                self._fetch(lying.name, file)
            os.utime(part, ns=(lying.time_ns, lying.time_ns))
            part.rename(path)
        except OSError as err:
            raise no_room() from err
        finally:
            part.unlink(missing_ok=True)

    def fill(self, folder: Path) -> int:
        """All of a folder that is laid out as `copy` is, besides what is there. How many files."""
        own = sorted(path for path in folder.glob("*/*/*") if not path.suffix)
        for path in own:
            with path.open("rb") as file:
                self.bucket.ask("put_object", path.relative_to(folder).as_posix(), Body=file)
        for lying in self.lying():  # so that a later `gather` fetches none of them again
            path = folder / lying.name
            if path.is_file() and path.stat().st_size == lying.size:
                os.utime(path, ns=(lying.time_ns, lying.time_ns))
        if folder == self.copy:
            self.mark()
        return len(own)

    def keep_only(self, folder: Path) -> None:
        """What this folder does not hold is deleted."""
        for lying in self.lying():
            if not (folder / lying.name).is_file():
                self.bucket.ask("delete_object", lying.name)

    def is_empty(self) -> bool:
        return next(self.lying(), None) is None

    def try_out(self) -> None:
        """Writes, reads and deletes a file. Raises Unavailable."""
        self.bucket.ask("put_object", PROBE, Body=b"1")
        with self.bucket.reading(PROBE) as chunks:
            list(chunks)
        self.bucket.ask("delete_object", PROBE)

    def keeps_versions(self) -> bool:
        """Whether what is deleted stays as an older version. A store that does not say keeps none, as far as one can tell."""
        try:
            answer = self.bucket.ask("get_bucket_versioning")
        except (Unavailable, NotFound):
            return False
        return bool(answer.get("Status") == "Enabled")

    def _spool(self) -> BinaryIO:
        """A file that has a name at no time: whoever is killed leaves nothing."""
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
            yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock_shared(_LOCK))))


def _is_same(path: Path, lying: Lying) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return (found.st_size, found.st_mtime_ns) == (lying.size, lying.time_ns)
