"""Files at rest: encrypted in pieces under the tenant's key, written whole or not at all."""

import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.core import crypto, guard
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.stores import FileStore

PIECE = 64 * 1024
_HEAD = 4
_FORMAT = b"\x02"  # before the pieces: this byte and the generation of the tenant's key
_BEGIN = struct.Struct(">cI")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class BlobRef:
    """`size` in bytes and `sha256` (hex) are of the plain content."""

    id: UUID
    size: int
    sha256: str


class Blobs:
    """Names in the store: <tenant>/<last two digits>/<id>. Each piece is bound to its place and to being the last or not."""

    def __init__(self, store: FileStore, keys: crypto.Keyring) -> None:
        self.store = store
        self._keys = keys

    def put(self, tenant_id: UUID, stream: Readable, *, limit: int | None = None, blob_id: UUID | None = None) -> BlobRef:
        """Store the stream; `core.files` says whose it is, and under which id.

        Raises Refused past `limit` bytes, Unavailable when the store is full or away; leaves nothing behind then.
        """
        guard.check_no_open_unit("blobs.put")
        own = blob_id or new_id()
        size, digest = self.store.write(_name(tenant_id, own), lambda file: self._write(file, tenant_id, own, stream, limit))
        return BlobRef(own, size, digest)

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
        """The plain pieces, in order. Raises NotFound, Unavailable; crypto.KeyUnreadable when the file was cut, moved or altered."""
        pieces = self._pieces(tenant_id, blob_id)
        next(pieces)  # what it raises is raised now; begun, it also closes the file when nobody goes on with it
        return pieces

    def _pieces(self, tenant_id: UUID, blob_id: UUID) -> Iterator[bytes]:
        with self.store.open(_name(tenant_id, blob_id)) as file:
            self._keys.tenant_key(tenant_id)  # whose key was destroyed has no files; said at once, not with the first piece
            yield b""
            generation = _generation_in(file.read(_BEGIN.size))
            if generation is None:
                raise crypto.KeyUnreadable(f"{blob_id.hex} is damaged: it was cut")
            cipher = _cipher(self._keys.generation(tenant_id, generation), blob_id)
            number, head = 0, file.read(_HEAD)
            while True:
                if len(head) < _HEAD:
                    raise crypto.KeyUnreadable(f"{blob_id.hex} is damaged: it was cut")
                nonce, sealed = file.read(crypto.NONCE_BYTES), file.read(struct.unpack(">I", head)[0])
                head = file.read(_HEAD)
                try:
                    yield cipher.decrypt(nonce, sealed, _place(number, last=not head))
                except (InvalidTag, ValueError) as err:
                    raise crypto.KeyUnreadable(f"{blob_id.hex} is damaged") from err
                if not head:
                    return
                number += 1

    def read_all(self, tenant_id: UUID, blob_id: UUID) -> bytes:
        return b"".join(self.read(tenant_id, blob_id))

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        """Also what is left of one whose writer was killed."""
        self.store.delete(_name(tenant_id, blob_id))

    def has(self, tenant_id: UUID, blob_id: UUID) -> bool:
        return self.store.has(_name(tenant_id, blob_id))

    def kept(self) -> AbstractContextManager[None]:
        """Nothing is deleted meanwhile (`deleting`): a backup finds every file that its copy of the database names."""
        return self.store.door.kept()

    def deleting(self) -> AbstractContextManager[bool]:
        """False while the files are kept for a backup: come back later. Who begins a backup waits for who is in here."""
        return self.store.door.deleting()

    def delete_all(self, tenant_id: UUID) -> bool:
        """False while the files are kept for a backup."""
        with self.deleting() as may_delete:
            if may_delete:
                self.store.delete_all(tenant_id.hex)
            return may_delete

    def gather(self, *, within_s: float | None = None) -> Path:
        """A folder on this machine that holds all of them as they lie in the store. Raises Unavailable, Refused."""
        return self.store.gather(within_s=within_s)

    def shelves(self, tenant_id: UUID) -> list[str]:
        """The folders that a tenant's files lie in, in order."""
        return self.store.shelves(tenant_id.hex)

    def older(self, tenant_id: UUID, shelf: str, generation: int) -> list[UUID]:
        """Those of a shelf that lie under an older generation of the tenant's key."""
        found = self.store.names(f"{tenant_id.hex}/{shelf}")
        return [UUID(name.rpartition("/")[2]) for name in found if (self._generation_of(name) or generation) < generation]

    def _generation_of(self, name: str) -> int | None:
        """None of a file that is cut or gone."""
        return _generation_in(self.store.begin_of(name, _BEGIN.size))

    def reseal(self, tenant_id: UUID, blob_id: UUID) -> None:
        """Under the newest generation: the new file takes the place of the old one, whose readers finish. Raises NotFound."""

        def fill(file: BinaryIO) -> None:
            self._write(file, tenant_id, blob_id, _Pieces(self.read(tenant_id, blob_id)), None)

        self.store.rewrite(_name(tenant_id, blob_id), fill)


class _Pieces:
    """What was stored as a stream: its pieces are as long as those that are written."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int, /) -> bytes:
        return next(self._pieces, b"")


def _name(tenant_id: UUID, blob_id: UUID) -> str:
    return f"{tenant_id.hex}/{blob_id.hex[-2:]}/{blob_id.hex}"


def _cipher(key: bytes, blob_id: UUID) -> AESGCM:
    return AESGCM(crypto.derive(key, f"blob/{blob_id.hex}"))


def _generation_in(begin: bytes) -> int | None:
    if len(begin) < _BEGIN.size:
        return None
    mark, generation = _BEGIN.unpack(begin)
    return int(generation) if mark == _FORMAT else None


def _place(number: int, *, last: bool) -> bytes:
    return struct.pack(">Q?", number, last)
