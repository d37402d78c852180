"""The file of keys that the library writes, seen from outside: copied whole, and asked which id a message of ours was given.

Never in the process that runs the library: it brings an SQLite of its own, and two of them in one process undo each other's locks.
https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

WAIT_S = 5.0
GLANCE_S = 0.25
LATEST = 5_000


def snapshot(store: Path) -> bytes:
    """As it is between two transactions, also beside a library that writes and after one that was killed."""
    with closing(_opened(store)) as file, closing(sqlite3.connect(":memory:")) as copy:
        file.backup(copy)
        return copy.serialize()


def restore(store: Path, content: bytes) -> None:
    """Where only its owner may read it. What was left beside an older one is gone."""
    for name in (f"{store}-journal", f"{store}-wal", f"{store}-shm"):
        Path(name).unlink(missing_ok=True)
    store.unlink(missing_ok=True)
    with os.fdopen(os.open(store, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def secret_of(client_id: str) -> bytes:
    """The secret a message carries for replies to it (any 32 bytes). The library keeps it beside the id that it makes up."""
    return sha256(b"message secret of " + client_id.encode()).digest()


def ids_by_secret(store: Path) -> dict[bytes, str]:
    """Under which ids the latest messages were once about to leave. Before the library has opened the file."""
    if not store.exists():
        return {}
    with closing(_opened(store)) as file, suppress(sqlite3.OperationalError):  # no table yet
        latest = "SELECT key, message_id FROM whatsmeow_message_secrets ORDER BY rowid DESC LIMIT ?"
        return {bytes(key): str(message_id) for key, message_id in reversed(file.execute(latest, (LATEST,)).fetchall())}
    return {}


def id_of(store: Path, secret: bytes, *, forget: bool = False) -> str:
    """The id under which this message was about to leave; empty when it never came to that. Asked by a process of its own."""
    asked = [sys.executable, "-m", __spec__.name, str(store), secret.hex(), *(["forget"] if forget else [])]
    return subprocess.run(asked, check=True, capture_output=True, text=True, timeout=4 * WAIT_S).stdout.strip()  # noqa: S603 - ourselves


def watch(store: Path, changed: Callable[[], None]) -> NoReturn:
    """Says so at most once in a glance, for ever."""
    seen = 0
    while True:
        with suppress(FileNotFoundError):
            now = store.stat().st_mtime_ns
            if seen != now:
                changed()
            seen = now
        time.sleep(GLANCE_S)


def _answer(store: Path, secret: bytes, *, forget: bool) -> None:
    with closing(_opened(store)) as file, file:
        latest = "SELECT message_id FROM whatsmeow_message_secrets WHERE key = ? ORDER BY rowid DESC LIMIT 1"
        found = file.execute(latest, (secret,)).fetchone()
        if forget:
            file.execute("DELETE FROM whatsmeow_message_secrets WHERE key = ?", (secret,))
    print(found[0] if found else "")  # noqa: T201 - the answer


def _opened(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(store, timeout=WAIT_S)


if __name__ == "__main__":
    _answer(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), forget=sys.argv[3:] == ["forget"])
