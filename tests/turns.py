"""Somebody who goes first and waits for SQLite's writer's turn."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from appliance.core.box import Box


@contextlib.contextmanager
def somebody_waits(box: Box) -> Iterator[None]:
    assert box.database.turns is not None
    door = os.open(box.database.turns.folder, os.O_RDONLY)
    try:
        fcntl.flock(door, fcntl.LOCK_SH)
        yield
    finally:
        os.close(door)
