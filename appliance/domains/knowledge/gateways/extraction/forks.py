"""Processes beside the one that reads: they end with it, and what they bring is a help, never a need."""

import os
from collections.abc import Callable
from typing import NoReturn

from appliance.core import confinement


def begin(work: Callable[[], bytes]) -> Callable[[], bytes]:
    """A fork does the work from now on. Calling what is returned waits for what it made: nothing, where it died or there is one core."""
    if len(os.sched_getaffinity(0)) == 1:
        return bytes
    theirs, ours = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_fork(work, ours)
    os.close(ours)

    def made() -> bytes:
        with os.fdopen(theirs, "rb") as answer:
            said = answer.read()
        return said if os.waitpid(child, 0)[1] == 0 else b""

    return made


def _be_the_fork(work: Callable[[], bytes], ours: int) -> NoReturn:
    status = 1
    try:
        confinement.die_with_parent()
        with os.fdopen(ours, "wb") as answer:
            answer.write(work())
        status = 0
    finally:
        os._exit(status)
