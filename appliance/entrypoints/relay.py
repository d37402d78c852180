"""Sweeps the outbox: what the queue was not told, what it forgot, and what waited for its moment, at that moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import clock, parts, timekeeping, updates
from appliance.core.box import Box
from appliance.core.jobs import seconds_to_next, sweep
from appliance.entrypoints import notify
from appliance.entrypoints.boot import boot

SWEEP_EVERY_S = 0.5  # a wait shorter than this may be noticed this late
WHILE_FULL_S = 0.2
TURN_S = 120.0  # the longest a sweep may take: several statements, each cancelled in time
log = structlog.get_logger()


def main() -> None:
    box = boot("relay")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    pulse = notify.Pulse()
    notify.watch(pulse.is_fresh)
    jumps = clock.Jumps()
    heed(box, timekeeping.begin)
    back = timedelta(0)
    with parts.telling(box.redis, parts.RELAY, pulse.is_fresh):
        while not stop.is_set():
            pulse.beat(TURN_S)
            if jumped := jumps.take():
                timekeeping.note(box.settings, jumped)
                back = max(timedelta(0), back - jumped)
            if back and heed(box, partial(timekeeping.heed_put_back, by=back)):
                back = timedelta(0)
            stop.wait(turn(box))


def heed(box: Box, what: Callable[[Box], None]) -> bool:
    try:
        what(box)
    except SQLAlchemyError as err:
        log.warning("clock_not_heeded", error=type(err).__name__)
        return False
    return True


def turn(box: Box) -> float:
    """One sweep; how long to rest after it, in seconds."""
    if updates.doors_are_closed():
        return SWEEP_EVERY_S
    try:
        return seconds_to_next(box, most=WHILE_FULL_S if sweep(box) else SWEEP_EVERY_S)
    except SQLAlchemyError as err:
        log.warning("sweep_failed", error=type(err).__name__)
        return SWEEP_EVERY_S


if __name__ == "__main__":
    main()
