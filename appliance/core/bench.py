"""What the machine gives the box: durable writes, transactions, Redis, processor. Nothing of it stays."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from appliance.core.housekeeping import CronRun
from appliance.core.ids import new_id

if TYPE_CHECKING:
    from redis import Redis

    from appliance.core.box import Box

SPENT_S = 2.0  # on each figure
BLOCK_BYTES = 4096
BLOCKS = 1024
STEPS = 100_000


@dataclass(frozen=True)
class Timings:
    """How long one piece of work took each time, in seconds, shortest first."""

    seconds: Sequence[float]

    @property
    def per_s(self) -> float:
        return len(self.seconds) / sum(self.seconds)

    def ms(self, share: float) -> float:
        """What this share of them took at most."""
        return 1000 * self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def repeat(work: Callable[[], object], *, for_s: float = SPENT_S) -> Timings:
    """Once without counting, then until `for_s` have passed, at least once."""
    work()
    took: list[float] = []
    ends = time.perf_counter() + for_s
    while not took or time.perf_counter() < ends:
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return Timings(sorted(took))


def durable_writes(folder: Path) -> Timings:
    """A block written and synced, into a file without a name: whoever is killed leaves none. Raises OSError."""
    block, done = os.urandom(BLOCK_BYTES), 0

    def write() -> None:
        nonlocal done
        os.pwrite(file.fileno(), block, done % BLOCKS * BLOCK_BYTES)
        os.fsync(file.fileno())
        done += 1

    with tempfile.TemporaryFile(dir=folder) as file:
        return repeat(write)


def transactions(box: Box) -> Timings:
    """A row written and removed in one unit: it is committed as any other, and nobody ever sees the row."""

    def write() -> None:
        name = f"bench {new_id()}"
        with box.whole_box("bench") as uow:
            uow.session.execute(insert(CronRun).values(name=name))
            uow.session.execute(delete(CronRun).where(CronRun.name == name))

    return repeat(write)


def round_trips(redis: Redis) -> Timings:
    """Raises RedisError."""
    return repeat(redis.ping)


def cores() -> int:
    return len(os.sched_getaffinity(0))


def python_steps_per_s() -> float:
    """Of a loop that multiplies and adds, on one core. The best of many rounds: what else the machine does spoils the others."""

    def loop() -> None:
        total = 0
        for step in range(STEPS):
            total += step * step % 7

    return STEPS / repeat(loop).seconds[0]
