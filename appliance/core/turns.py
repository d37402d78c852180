"""SQLite lets one connection write at a time: whose turn it is, and who goes first."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

FIRST_EVERY_S, EVERY_S = 0.001, 0.003  # how often a writer asks for its turn
GIVES_WAY_S = 0.05  # then a worker asks beside those who go first


@dataclass
class Turns:
    """Of one database. Who goes first and has to wait holds a shared lock on its `folder` meanwhile: a lock ends with its process.

    Left to SQLite, who waits sleeps up to 100 ms, and beside those who ask more often never gets a turn.
    """

    folder: Path
    goes_first: bool = False

    def begin(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE queues writers; a deferred one that upgrades later fails at once when it meets another."""
        if connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("BEGIN")
            return
        raw: Any = connection.connection.driver_connection
        with _asking(raw) as patience_s:
            took = self._go_first(raw, patience_s) if self.goes_first else self._give_way(raw, patience_s)
            if not took:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for the error

    def is_awaited(self) -> bool:
        """Whether somebody who goes first waits: who has much to write ends soon, and goes on later."""
        with self._at_door() as door:
            return not _locked(door, fcntl.LOCK_EX)

    def _go_first(self, raw: Any, patience_s: float) -> bool:
        if _taken(raw):
            return True
        with self._at_door() as door:
            until, announced = time.monotonic() + patience_s, False
            while time.monotonic() < until:
                announced = announced or _locked(door, fcntl.LOCK_SH)  # not while somebody looks whether there is one
                if _taken(raw):
                    return True
                time.sleep(FIRST_EVERY_S)
        return False

    def _give_way(self, raw: Any, patience_s: float) -> bool:
        began = time.monotonic()
        while (waited := time.monotonic() - began) < patience_s:
            if (waited > GIVES_WAY_S or not self.is_awaited()) and _taken(raw):
                return True
            time.sleep(EVERY_S)
        return False

    @contextlib.contextmanager
    def _at_door(self) -> Iterator[int]:
        door = os.open(self.folder, os.O_RDONLY)
        try:
            yield door
        finally:
            fcntl.flock(door, fcntl.LOCK_UN)  # a child forked meanwhile has it open, too
            os.close(door)


@contextlib.contextmanager
def _asking(raw: Any) -> Iterator[float]:
    """SQLite says at once that the turn is taken. Yields how many seconds it would have waited."""
    (patience_ms,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute("PRAGMA busy_timeout=0")
    try:
        yield patience_ms / 1000
    finally:
        raw.execute(f"PRAGMA busy_timeout={patience_ms}")


def _taken(raw: Any) -> bool:
    with contextlib.suppress(raw.OperationalError):
        raw.execute("BEGIN IMMEDIATE")
        return True
    return False


def _locked(door: int, how: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(door, how | fcntl.LOCK_NB)
        return True
    return False
