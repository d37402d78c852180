"""Encrypted files: a snapshot written whole and renamed into place, and a journal that only grows.

Each file has its own key, HKDF(server key, random salt, namespace), so a counter is a safe AES-GCM nonce (SP 800-38D).
The last block of a snapshot is marked in what is authenticated, so a shortened file is noticed (STREAM, Hoang et al. 2015).
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SALT = 16
BLOCK = 1 << 20
TAG = 16
SNAPSHOT = b"SEIX1\n"
JOURNAL = b"SEIJ1\n"
_HEAD = struct.Struct("<II")  # length of what is sealed, number of the record


class Corrupt(Exception):
    """The file is damaged, shortened or sealed with another key."""


def write_snapshot(path: Path, key: bytes, namespace: str, plain: bytes | memoryview) -> None:
    """Replace `path` in one step; a crash leaves the old file or the new one."""
    view = memoryview(plain).cast("B")
    salt = os.urandom(SALT)
    cipher = _cipher(key, salt, namespace)
    scratch = path.with_suffix(".new")
    with _private(scratch) as file:
        file.write(SNAPSHOT + salt)
        blocks = max(1, -(-len(view) // BLOCK))
        for number in range(blocks):
            bound = SNAPSHOT + (b"last" if number == blocks - 1 else b"more")
            file.write(cipher.encrypt(_nonce(number), view[number * BLOCK : (number + 1) * BLOCK], bound))
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync_folder(path.parent)


def read_snapshot(path: Path, key: bytes, namespace: str) -> bytes:
    """Raises Corrupt, FileNotFoundError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        cipher = _cipher(key, _opened(file, SNAPSHOT), namespace)
        left = size - len(SNAPSHOT) - SALT
        plain = bytearray()
        number = 0
        while left > 0 or number == 0:
            block = file.read(BLOCK + TAG)
            left -= len(block)
            bound = SNAPSHOT + (b"more" if left > 0 else b"last")
            plain += _decrypt(cipher, number, block, bound)
            number += 1
    return bytes(plain)


class Journal:
    """Changes since the snapshot, each on disk before it is acknowledged."""

    def __init__(self, path: Path, key: bytes, namespace: str) -> None:
        salt = os.urandom(SALT)
        self._cipher = _cipher(key, salt, namespace)
        self._number = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.size = 0
        self._write(JOURNAL + salt)
        sync_folder(path.parent)

    def append(self, record: bytes) -> None:
        """Raises OSError, and then nothing of the record stays in the file."""
        self._number += 1
        sealed = self._cipher.encrypt(_nonce(self._number), record, JOURNAL)
        self._write(_HEAD.pack(len(sealed), self._number) + sealed)

    def _write(self, block: bytes) -> None:
        view = memoryview(block)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self.size)
            os.lseek(self._fd, self.size, os.SEEK_SET)
            raise
        self.size += len(block)

    def close(self) -> None:
        os.close(self._fd)


def read_journal(path: Path, key: bytes, namespace: str) -> Iterator[bytes]:
    """A record cut off at the end was never acknowledged and is left out. Raises Corrupt, FileNotFoundError."""
    if path.stat().st_size < len(JOURNAL) + SALT:
        return
    with path.open("rb") as file:
        cipher = _cipher(key, _opened(file, JOURNAL), namespace)
        last = 0
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, number = _HEAD.unpack(head)
            sealed = file.read(length)
            if len(sealed) < length:
                return
            if number <= last:
                raise Corrupt("records out of order")
            yield _decrypt(cipher, number, sealed, JOURNAL)
            last = number


def sync_folder(folder: Path) -> None:
    """Make a rename or a new name in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _opened(file: BinaryIO, magic: bytes) -> bytes:
    head = file.read(len(magic) + SALT)
    if len(head) < len(magic) + SALT or not head.startswith(magic):
        raise Corrupt("not a file of this kind")
    return head[len(magic) :]


def _cipher(key: bytes, salt: bytes, namespace: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"modelserver/index/" + namespace.encode()).derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _decrypt(cipher: AESGCM, number: int, sealed: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(_nonce(number), sealed, bound)
    except (InvalidTag, ValueError) as err:
        raise Corrupt("damaged, or sealed with another key") from err
