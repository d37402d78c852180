"""The one place that asks what time it is."""

import functools
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

# A slower transaction may commit what is older after something newer was told: readers look back this far and drop what they saw.
LOOK_BACK = timedelta(seconds=10)
LEAST_JUMP = timedelta(minutes=1)


def now() -> datetime:
    return datetime.now(UTC)


class Jumps:
    """Tells when the clock was put forward or back, by the one that only goes on. What an hour is drawn into place by is no jump."""

    def __init__(self) -> None:
        self._ahead = _ahead()

    def take(self) -> timedelta:
        """How far it was put since it was last asked; nothing for less than a minute."""
        before, self._ahead = self._ahead, _ahead()
        jumped = timedelta(seconds=self._ahead - before)
        return jumped if abs(jumped) >= LEAST_JUMP else timedelta(0)


def since_start() -> float:
    """Seconds since the machine was switched on, also while it slept; the same for all its processes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _ahead() -> float:
    while True:
        begun = since_start()
        ahead = time.time() - begun
        if since_start() - begun < 1:  # else this process was held up between the two
            return ahead


@functools.cache
def timezones() -> frozenset[str]:
    """By name. The library reads its folders each time: 14 ms."""
    return frozenset(available_timezones())
