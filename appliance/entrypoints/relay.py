"""Sweeps the outbox: what the queue was not told, what it forgot, and what waited for its moment, at that moment."""

from __future__ import annotations

import signal
import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.box import Box
from appliance.core.jobs import seconds_to_next, sweep
from appliance.entrypoints.boot import boot

SWEEP_EVERY_S = 0.5  # a wait shorter than this may be noticed this late
WHILE_FULL_S = 0.2
log = structlog.get_logger()


def main() -> None:
    box = boot("relay")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    while not stop.is_set():
        stop.wait(turn(box))


def turn(box: Box) -> float:
    """One sweep; how long to rest after it, in seconds."""
    try:
        return seconds_to_next(box, most=WHILE_FULL_S if sweep(box) else SWEEP_EVERY_S)
    except SQLAlchemyError as err:
        log.warning("sweep_failed", error=type(err).__name__)
        return SWEEP_EVERY_S


if __name__ == "__main__":
    main()
