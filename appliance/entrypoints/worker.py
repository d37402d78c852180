"""Runs jobs. `fast default` in one long-lived process each; `slow` in a fresh fork a job, so a bad one takes only itself."""

from __future__ import annotations

import os
import sys

from rq import Queue, SimpleWorker, Worker

from appliance.core import jobs
from appliance.entrypoints.boot import boot

QUICK = ("fast", "default")
SLOW = ("slow",)
MAINTENANCE_S = 30


def run(queues: tuple[str, ...]) -> None:
    box = boot(f"worker-{queues[-1]}")
    jobs.bind(box)
    kind: type[Worker | SimpleWorker] = Worker if queues == SLOW else SimpleWorker
    # A forked job opens its own connections; the parent's must not be closed or used by it.
    os.register_at_fork(after_in_child=lambda: box.database.engine.dispose(close=False))
    kind(
        [Queue(name, connection=box.redis) for name in queues],
        connection=box.redis,
        maintenance_interval=MAINTENANCE_S,
        log_job_description=False,
    ).work(logging_level="WARNING", with_scheduler=False)


def main() -> None:
    run(SLOW if "slow" in sys.argv[1:] else QUICK)


if __name__ == "__main__":
    main()
