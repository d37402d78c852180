"""Runs jobs. `fast default` in one long-lived process each; `slow` in a fresh fork a job, so a bad one takes only itself."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

from rq import Queue, SimpleWorker, Worker

from appliance.core import jobs, telemetry
from appliance.core.config import WorkerSettings
from appliance.entrypoints.boot import boot

QUICK = ("fast", "default")
SLOW = ("slow",)
MAINTENANCE_S = 30
OPEN_FILES = 1024


class ConfinedWorker(Worker):
    """Each job in a fork that may take so much and no more. Too much memory is an error of that job; too much time ends its fork."""

    limits = WorkerSettings()

    def main_work_horse(self, job: Any, queue: Any) -> None:
        confine(self.limits)
        super().main_work_horse(job, queue)


def confine(limits: WorkerSettings) -> None:
    """Soft limits: the job is our own code, and its reader of documents sets itself harder ones."""
    wanted = (
        (resource.RLIMIT_AS, limits.slow_memory_mb * 2**20), (resource.RLIMIT_CPU, limits.slow_cpu_s),
        (resource.RLIMIT_NOFILE, OPEN_FILES), (resource.RLIMIT_CORE, 0),
    )  # fmt: skip
    for which, most in wanted:
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def run(queues: tuple[str, ...]) -> None:
    box = boot(f"worker-{queues[-1]}")
    jobs.bind(box)
    telemetry.load()
    ConfinedWorker.limits = box.settings.workers
    kind: type[Worker | SimpleWorker] = ConfinedWorker if queues == SLOW else SimpleWorker
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
