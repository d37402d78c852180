"""Files at rest: encrypted in pieces under the tenant's key, written whole or not at all."""

import fcntl
import hashlib
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.core import crypto, guard
from appliance.core.errors import NotFound, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id

PIECE = 64 * 1024
_HEAD = 4
_FORMAT = b"\x02"  # before the pieces: this byte and the generation of the tenant's key
_BEGIN = struct.Struct(">cI")
_RESEALED = ".reseal"  # until it takes the place of the old one


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class BlobRef:
    """`size` in bytes and `sha256` (hex) are of the plain content."""

    id: UUID
    size: int
    sha256: str


class Blobs:
    """Layout: <folder>/<tenant>/<last two digits>/<id>. Each piece is bound to its place and to being the last or not."""

    def __init__(self, folder: Path, keys: crypto.Keyring) -> None:
        self._folder = folder
        self._keys = keys

    def put(self, tenant_id: UUID, stream: Readable, *, limit: int | None = None, blob_id: UUID | None = None) -> BlobRef:
        """Store the stream; `core.files` says whose it is, and under which id.

        Raises Refused past `limit` bytes, Unavailable when the disk is full; leaves nothing behind then.
        """
        guard.check_no_open_unit("blobs.put")
        blob_id = blob_id or new_id()
        path = self._path(tenant_id, blob_id)
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("xb") as file:
                size, digest = self._write(file, tenant_id, blob_id, stream, limit)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except OSError as err:
            raise Unavailable(_("The box has no room to store this file. Free some disk space and try again.")) from err
        finally:
            part.unlink(missing_ok=True)
        return BlobRef(blob_id, size, digest)

    def _write(self, file: BinaryIO, tenant_id: UUID, blob_id: UUID, stream: Readable, limit: int | None) -> tuple[int, str]:
        number_of_key, key = self._keys.newest(tenant_id)
        cipher = _cipher(key, blob_id)
        file.write(_BEGIN.pack(_FORMAT, number_of_key))
        digest, size, number = hashlib.sha256(), 0, 0
        piece = stream.read(PIECE)
        while True:
            following = stream.read(PIECE) if piece else b""
            size += len(piece)
            if limit is not None and size > limit:
                raise Refused(_("The file is larger than the %(limit)s MB this box accepts.", limit=limit // 2**20))
            digest.update(piece)
            nonce = os.urandom(crypto.NONCE_BYTES)
            sealed = cipher.encrypt(nonce, piece, _place(number, last=not following))
            file.write(struct.pack(">I", len(sealed)) + nonce + sealed)
            if not following:
                return size, digest.hexdigest()
            piece, number = following, number + 1

    def read(self, tenant_id: UUID, blob_id: UUID) -> Iterator[bytes]:
        """The plain pieces, in order. Raises NotFound; crypto.KeyUnreadable when the file was cut, moved or altered."""
        path = self._path(tenant_id, blob_id)
        if not path.is_file():
            raise NotFound(_("The file is no longer stored."))
        self._keys.tenant_key(tenant_id)  # whose key was destroyed has no files; said at once, not with the first piece
        return self._pieces(path, tenant_id, blob_id)

    def _pieces(self, path: Path, tenant_id: UUID, blob_id: UUID) -> Iterator[bytes]:
        with path.open("rb") as file:
            generation = _generation_in(file)
            if generation is None:
                raise crypto.KeyUnreadable(f"{path.name} is damaged: it was cut")
            cipher = _cipher(self._keys.generation(tenant_id, generation), blob_id)
            number, head = 0, file.read(_HEAD)
            while True:
                if len(head) < _HEAD:
                    raise crypto.KeyUnreadable(f"{path.name} is damaged: it was cut")
                nonce, sealed = file.read(crypto.NONCE_BYTES), file.read(struct.unpack(">I", head)[0])
                head = file.read(_HEAD)
                try:
                    yield cipher.decrypt(nonce, sealed, _place(number, last=not head))
                except (InvalidTag, ValueError) as err:
                    raise crypto.KeyUnreadable(f"{path.name} is damaged") from err
                if not head:
                    return
                number += 1

    def read_all(self, tenant_id: UUID, blob_id: UUID) -> bytes:
        return b"".join(self.read(tenant_id, blob_id))

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        """Also what is left of one whose writer was killed."""
        path = self._path(tenant_id, blob_id)
        for left in (".part", _RESEALED):
            path.with_suffix(left).unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def has(self, tenant_id: UUID, blob_id: UUID) -> bool:
        return self._path(tenant_id, blob_id).is_file()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Nothing is deleted meanwhile (`deleting`): a backup finds every file that its copy of the database names."""
        with self._door() as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield

    @contextmanager
    def deleting(self) -> Iterator[bool]:
        """False while the files are kept for a backup: come back later. Who begins a backup waits for who is in here."""
        with self._door() as door:
            try:
                fcntl.flock(door, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @contextmanager
    def _door(self) -> Iterator[int]:
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

    def delete_all(self, tenant_id: UUID) -> bool:
        """False while the files are kept for a backup."""
        with self.deleting() as may_delete:
            if may_delete:
                shutil.rmtree(self._folder / tenant_id.hex, ignore_errors=True)
            return may_delete

    def shelves(self, tenant_id: UUID) -> list[str]:
        """The folders that a tenant's files lie in, in order."""
        own = self._folder / tenant_id.hex
        return sorted(path.name for path in own.iterdir()) if own.is_dir() else []

    def older(self, tenant_id: UUID, shelf: str, generation: int) -> list[UUID]:
        """Those of a shelf that lie under an older generation of the tenant's key."""
        found = (path for path in (self._folder / tenant_id.hex / shelf).iterdir() if not path.suffix)
        return [UUID(path.name) for path in found if (_generation_of(path) or generation) < generation]

    def reseal(self, tenant_id: UUID, blob_id: UUID) -> None:
        """Under the newest generation: the new file takes the place of the old one, whose readers finish. Raises NotFound."""
        path = self._path(tenant_id, blob_id)
        fresh = path.with_suffix(_RESEALED)
        with os.fdopen(os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            if not _is_ours(file, fresh):
                return  # another process is at it
            is_in_place = False
            try:
                file.truncate()  # what one wrote that was killed
                self._write(file, tenant_id, blob_id, _Pieces(self.read(tenant_id, blob_id)), None)
                file.flush()
                os.fsync(file.fileno())
                fresh.rename(path)
                is_in_place = True
            finally:
                if not is_in_place:
                    fresh.unlink(missing_ok=True)

    def _path(self, tenant_id: UUID, blob_id: UUID) -> Path:
        return self._folder / tenant_id.hex / blob_id.hex[-2:] / blob_id.hex


class _Pieces:
    """What was stored as a stream: its pieces are as long as those that are written."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int, /) -> bytes:
        return next(self._pieces, b"")


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Whether nobody else writes it, nor has put it in place meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _cipher(key: bytes, blob_id: UUID) -> AESGCM:
    return AESGCM(crypto.derive(key, f"blob/{blob_id.hex}"))


def _generation_of(path: Path) -> int | None:
    """None of a file that is cut or gone."""
    try:
        with path.open("rb") as file:
            return _generation_in(file)
    except FileNotFoundError:
        return None


def _generation_in(file: BinaryIO) -> int | None:
    begin = file.read(_BEGIN.size)
    if len(begin) < _BEGIN.size:
        return None
    mark, generation = _BEGIN.unpack(begin)
    return int(generation) if mark == _FORMAT else None


def _place(number: int, *, last: bool) -> bytes:
    return struct.pack(">Q?", number, last)
