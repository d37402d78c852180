"""Sweeps the outbox: whatever the queue was not told, or forgot, it is told again."""

from __future__ import annotations

import signal
import threading

import structlog
from sqlalchemy.exc import DBAPIError

from appliance.core.jobs import sweep
from appliance.entrypoints.boot import boot

SWEEP_EVERY_S = 1.0
log = structlog.get_logger()


def main() -> None:
    box = boot("relay")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    while not stop.is_set():
        try:
            full = sweep(box) > 0
        except DBAPIError as err:
            log.warning("sweep_failed", error=type(err).__name__)
            full = False
        stop.wait(0.2 if full else SWEEP_EVERY_S)


if __name__ == "__main__":
    main()
