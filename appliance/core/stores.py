"""Where sealed files lie: by name, each whole or not there. `core.blobs` seals them; a store sees nothing of what is in them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from appliance.core.errors import Away, NotFound, Unavailable
from appliance.core.i18n import lazy_gettext as _

MARK = ".bucket"  # in a folder that is no more than a copy of the bucket which stands in it
_RESEALED = ".reseal"  # until it takes the place of the old one
T = TypeVar("T")


class Door(Protocol):
    def kept(self) -> AbstractContextManager[None]:
        """Nothing is deleted meanwhile (`deleting`): a backup finds every file that its copy of the database names."""
        ...

    def deleting(self) -> AbstractContextManager[bool]:
        """False while the files are kept for a backup: come back later. Who begins a backup waits for who is in here."""
        ...


class FileStore(Protocol):
    """Names are `<tenant>/<shelf>/<id>`. What is away or full raises Unavailable."""

    door: Door

    def write(self, name: str, fill: Callable[[BinaryIO], T]) -> T:
        """What `fill` wrote lies there when this returns; when it raises, nothing does."""
        ...

    def rewrite(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        """In the place of the old one, whose readers finish. Nothing happens where another process is at it."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Raises NotFound."""
        ...

    def begin_of(self, name: str, size: int) -> bytes:
        """The first bytes; fewer where there are not as many, none where it is gone."""
        ...

    def has(self, name: str) -> bool: ...

    def delete(self, name: str) -> None:
        """Also what is left of one whose writer was killed."""
        ...

    def delete_all(self, folder: str) -> None: ...

    def shelves(self, folder: str) -> list[str]:
        """The folders in a folder, in order."""
        ...

    def names(self, folder: str) -> Iterator[str]:
        """Whole names of what lies right in a folder."""
        ...

    def is_empty(self) -> bool: ...

    def gather(self, *, within_s: float | None = None) -> Path:
        """A folder on this machine that holds all of it, for a backup. Raises Unavailable, Refused."""
        ...

    def drop_old_copy(self) -> None:
        """What `gather` left on this machine and no backup has looked at for long."""
        ...


class FolderStore:
    """A folder of this machine, or a share that several have mounted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.door: Door = FolderDoor(folder)

    def write(self, name: str, fill: Callable[[BinaryIO], T]) -> T:
        path = self._folder / name
        part = path.with_suffix(".part")
        try:
            with needs_room():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                (self._folder / MARK).unlink(missing_ok=True)  # from now on it is more than a copy
                with part.open("xb") as file:
                    done = fill(file)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        return done

    def rewrite(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        path = self._folder / name
        fresh = path.with_suffix(_RESEALED)
        with os.fdopen(os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            if not _is_ours(file, fresh):
                return
            is_in_place = False
            try:
                file.truncate()  # what one wrote that was killed
                fill(file)
                file.flush()
                os.fsync(file.fileno())
                fresh.rename(path)
                is_in_place = True
            finally:
                if not is_in_place:
                    fresh.unlink(missing_ok=True)

    def open(self, name: str) -> BinaryIO:
        try:
            return (self._folder / name).open("rb")
        except FileNotFoundError as err:
            raise gone() from err

    def begin_of(self, name: str, size: int) -> bytes:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(size)
        except FileNotFoundError:
            return b""

    def has(self, name: str) -> bool:
        return (self._folder / name).is_file()

    def delete(self, name: str) -> None:
        path = self._folder / name
        for left in (".part", _RESEALED):
            path.with_suffix(left).unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def delete_all(self, folder: str) -> None:
        shutil.rmtree(self._folder / folder, ignore_errors=True)

    def shelves(self, folder: str) -> list[str]:
        own = self._folder / folder
        return sorted(path.name for path in own.iterdir() if path.is_dir()) if own.is_dir() else []

    def names(self, folder: str) -> Iterator[str]:
        own = self._folder / folder
        return (f"{folder}/{path.name}" for path in (own.iterdir() if own.is_dir() else ()) if not path.suffix)

    def is_empty(self) -> bool:
        return not any(self._folder.glob("*/*/*"))

    def gather(self, *, within_s: float | None = None) -> Path:
        del within_s
        return self._folder

    def drop_old_copy(self) -> None:
        """There is none: these are the files."""


class FolderDoor:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def kept(self) -> Iterator[None]:
        with self._open() as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield

    @contextmanager
    def deleting(self) -> Iterator[bool]:
        with self._open() as door:
            try:
                fcntl.flock(door, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @contextmanager
    def _open(self) -> Iterator[int]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A regular file, open for writing: on NFS the lock of anything else holds on one machine only
        door = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if os.geteuid() == 0:  # what root opens first stays open to the box's own user
                owner = self._folder.stat()
                os.fchown(door, owner.st_uid, owner.st_gid)
            yield door
        finally:
            os.close(door)  # and with it the lock


class BucketAway(Away):
    def __init__(self, why: object, *, retry_after: float | None = None) -> None:
        super().__init__(_("Files cannot be reached at the moment. Try again shortly."), why, retry_after=retry_after)


@contextmanager
def needs_room() -> Iterator[None]:
    """Raises Unavailable for what the disk refuses."""
    try:
        yield
    except OSError as err:
        raise Unavailable(_("The box has no room to store this file. Free some disk space and try again.")) from err


def gone() -> NotFound:
    return NotFound(_("The file is no longer stored."))


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Whether nobody else writes it, nor has put it in place meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
