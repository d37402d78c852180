"""Runs jobs. `fast default` in one long-lived process each; `slow` in forks that end soon, so a bad job takes only its fork; `speech` in
a process of its own: its decoder is confined and its model elsewhere, and no document waits for who talks long.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from typing import Any

import structlog
from redis import Redis, RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from rq import Queue, SimpleWorker, Worker

from appliance.core import jobs, metrics, receivers, updates
from appliance.core.config import WorkerSettings
from appliance.core.queue_server import PATIENCE, connect_redis
from appliance.entrypoints import notify
from appliance.entrypoints.boot import boot
from appliance.entrypoints.children import die_with_parent

QUICK = ("fast", "default")
SLOW = ("slow",)
SPEECH = ("speech",)
QUEUES = {"quick": QUICK, "slow": SLOW, "speech": SPEECH}
MAINTENANCE_S = 30
OPEN_FILES = 1024
FOLLOWS_S = 17  # with sentinels: the library waits 15 s less than that for work before it asks anew, without them for minutes
TURN_S = 60.0  # RQ ends a fork a minute after the time of its first job
LINGERS_S = 10  # people bring documents one after another
AWAY_S = 2.0  # between two looks whether Redis is back; the library's own grow to a minute
log = structlog.get_logger()


class ToldToEnd(Exception):
    """While nothing was being done."""


class Beating:
    """Each heartbeat says by when the next one comes, also while Redis is away or a job takes its time."""

    max_connection_wait_time = AWAY_S

    @property
    def connection_timeout(self) -> int:
        """Of any answer, also of one that is to come when no work did. The library's own is 5 s more than anybody else waits."""
        return int(self.dequeue_timeout + PATIENCE["socket_timeout"])  # type: ignore[attr-defined]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.pulse = notify.Pulse()
        super().__init__(*arguments, **options)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        self.pulse.beat(timeout or self.worker_ttl + 60)  # type: ignore[attr-defined]
        super().heartbeat(timeout, pipeline)  # type: ignore[misc]

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)  # type: ignore[misc]
            except RedisTimeout:  # the library's worker would end
                log.warning("queue_hangs")

    def set_shutdown_requested_date(self) -> None:
        """For a fork that is at a job is waited also while Redis is away: this is what the library does first, in a signal handler."""
        with contextlib.suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[misc]

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - the library's
        while updates.doors_are_closed() and not self._stop_requested:  # type: ignore[attr-defined]
            self.heartbeat()
            time.sleep(updates.LOOKS_EVERY_S)
        super().check_for_suspension(burst)  # type: ignore[misc]


class QuickWorker(Beating, SimpleWorker):
    pass


class ConfinedWorker(Beating, Worker):
    """Jobs in a fork that may take so much and no more. Too much memory is an error of that job; too much time ends its fork.

    A fork goes on with what waits or soon comes, since beginning one costs more than reading a short document: for a minute, while it
    has not grown.
    """

    limits = WorkerSettings()
    lingers_s: int | None = LINGERS_S
    _is_lingering = False

    def perform_job(self, job: Any, queue: Any) -> bool:
        try:
            return self._perform_jobs(job, queue)
        finally:
            receivers.flush()  # the fork ends without what a process does at its end

    def _perform_jobs(self, job: Any, queue: Any) -> bool:
        ends = time.monotonic() + TURN_S
        while True:
            confine(self.limits)
            done = super().perform_job(job, queue)
            has_to_end = self._stop_requested or time.monotonic() > ends or has_grown(self.limits)
            following = None if has_to_end else self._following(ends)
            if following is None:
                return done
            job, queue = following
            self.prepare_execution(job)

    def _following(self, ends: float) -> tuple[Any, Any] | None:
        """The next job and its queue; None when none comes in time."""
        self._is_lingering = True
        waits_s = self.lingers_s and max(1, min(self.lingers_s, int(ends - time.monotonic())))
        try:
            turn_s = waits_s and min(waits_s, self.dequeue_timeout)
            return None if self._stop_requested else self.dequeue_job_and_maintain_ttl(turn_s, waits_s)
        except ToldToEnd:
            return None
        finally:
            self._is_lingering = False

    def setup_work_horse_signals(self) -> None:
        die_with_parent(signal.SIGKILL)
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # the library's
        signal.signal(signal.SIGTERM, self._end_soon)

    def _end_soon(self, *_signal: object) -> None:
        """After the job at hand; at once where there is none, also while Redis is away."""
        self._stop_requested = True
        if self._is_lingering:
            raise ToldToEnd

    def handle_warm_shutdown_request(self) -> None:
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)


def confine(limits: WorkerSettings) -> None:
    """Soft limits: the job is our own code, and its reader of documents sets itself harder ones."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    wanted = (
        (resource.RLIMIT_AS, limits.slow_memory_mb * 2**20),
        (resource.RLIMIT_CPU, int(spent.ru_utime + spent.ru_stime) + limits.slow_cpu_s),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    )
    for which, most in wanted:
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def has_grown(limits: WorkerSettings) -> bool:
    """To a quarter of what it may take: the next job shall not pay for it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > limits.slow_memory_mb * 1024 // 4


def await_redis(redis: Redis) -> None:
    """The library's worker ends where it finds none at its start, and each time it is started again it has to wait for longer."""
    while True:
        try:
            redis.ping()
        except (RedisError, OSError) as err:
            log.warning("queue_unreachable", error=type(err).__name__)
            time.sleep(AWAY_S)
        else:
            return


def run(queues: tuple[str, ...]) -> None:
    box = boot(f"worker-{queues[-1]}")
    await_redis(box.redis)
    jobs.bind(box)
    metrics.load()
    ConfinedWorker.limits = box.settings.workers
    kind: type[QuickWorker | ConfinedWorker] = ConfinedWorker if queues == SLOW else QuickWorker
    # A forked job opens its own connections; the parent's must not be closed or used by it.
    os.register_at_fork(after_in_child=lambda: box.database.engine.dispose(close=False))
    patient = connect_redis(box.settings.redis_server)  # the library makes it wait minutes for an answer; the box is not to
    worker = kind(
        [Queue(name, connection=patient) for name in queues],
        connection=patient,
        worker_ttl=FOLLOWS_S if box.settings.redis.sentinels else None,
        maintenance_interval=MAINTENANCE_S,
        log_job_description=False,
    )
    notify.watch(worker.pulse.is_fresh)
    worker.work(logging_level="WARNING", with_scheduler=False)


def main() -> None:
    run(QUEUES.get(sys.argv[-1], QUICK))


if __name__ == "__main__":
    main()
