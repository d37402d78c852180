"""Files at rest: encrypted in pieces under the tenant's key, written whole or not at all."""

import hashlib
import os
import struct
from collections.abc import Iterator
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
                size, digest = self._write(file, self._cipher(tenant_id, blob_id), stream, limit)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except OSError as err:
            raise Unavailable(_("The box has no room to store this file. Free some disk space and try again.")) from err
        finally:
            part.unlink(missing_ok=True)
        return BlobRef(blob_id, size, digest)

    def _write(self, file: BinaryIO, cipher: AESGCM, stream: Readable, limit: int | None) -> tuple[int, str]:
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
        return self._pieces(path, self._cipher(tenant_id, blob_id))

    def _pieces(self, path: Path, cipher: AESGCM) -> Iterator[bytes]:
        with path.open("rb") as file:
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
        path.with_suffix(".part").unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def _cipher(self, tenant_id: UUID, blob_id: UUID) -> AESGCM:
        return AESGCM(crypto.derive(self._keys.tenant_key(tenant_id), f"blob/{blob_id.hex}"))

    def _path(self, tenant_id: UUID, blob_id: UUID) -> Path:
        return self._folder / tenant_id.hex / blob_id.hex[-2:] / blob_id.hex


def _place(number: int, *, last: bool) -> bytes:
    return struct.pack(">Q?", number, last)
