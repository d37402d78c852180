"""After the commit: wake the workers and the browsers. Redis may be gone; the relay then brings the rows later."""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from redis import Redis, RedisError
from rq import Queue, Worker
from rq.queue import EnqueueData
from rq.utils import as_text

from appliance.core import processes, sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from appliance.core.outbox import OutboxRow, Owed

LIVE_CHANNEL = "live"
AROUND_S = 900  # a model may have to be loaded, a file to be read, a writer to be waited for
JOB_TIMEOUT_S = {"fast": 180, "default": 300, "speech": round(sound.SLOWEST_S) + AROUND_S, "slow": 3600}
LONG_AGO = datetime.fromtimestamp(0, UTC)  # of a queue whose next jobs were taken while it was asked: nothing was told before that
BY_TURNS = frozenset({"speech"})  # of the organisations: a job of these says only that something waits
RUN_DELIVERY = "appliance.core.jobs.run_delivery"
RUN_NEXT = "appliance.core.jobs.run_next"
RUN_CRON = "appliance.core.jobs.run_cron"

Whisper = tuple[str, dict[str, Any]]  # an event's name and its ids

log = structlog.get_logger()


class Dispatcher:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def after_commit(self, emitted: Sequence[OutboxRow], owed: Sequence[Owed]) -> None:
        if self.publish(emitted):  # first: it is quick, and somebody looks at it
            self.enqueue(owed)  # a Redis that hangs is waited for once

    def enqueue(self, owed: Iterable[Owed]) -> bool:
        """True when the queue took them. False is no loss: the rows wait for the relay's sweep."""
        by_queue: dict[str, list[Owed]] = defaultdict(list)
        for delivery in owed:
            by_queue[delivery.queue].append(delivery)
        try:
            for name, deliveries in by_queue.items():
                Queue(name, connection=self.redis).enqueue_many([_job(name, delivery) for delivery in deliveries])
        except RedisError as err:
            log.warning("queue_unreachable", error=type(err).__name__)
            return False
        return True

    def enqueue_cron(self, name: str, queue: str, moment: int) -> None:
        """`moment` (unix seconds of the planned run) makes the same run asked for twice one job."""
        job_id = f"cron-{name.replace('.', '-')}-{moment}"
        timeout = JOB_TIMEOUT_S[queue]
        Queue(queue, connection=self.redis).enqueue_call(
            RUN_CRON, args=(name,), job_id=job_id, timeout=timeout, result_ttl=timeout, failure_ttl=timeout, unique=True
        )

    def publish(self, emitted: Iterable[OutboxRow]) -> bool:
        return self._tell(map(live_note, emitted))

    def whisper(self, tenant_id: UUID, whispers: Iterable[Whisper]) -> None:
        """To the browsers that listen now; kept nowhere."""
        self._tell(json.dumps({"tenant": tenant_id.hex, "event": name, "ids": ids}) for name, ids in whispers)

    def _tell(self, notes: Iterable[str]) -> bool:
        try:
            pipe = self.redis.pipeline(transaction=False)
            for note in notes:
                pipe.publish(LIVE_CHANNEL, note)
            pipe.execute()
        except RedisError as err:
            log.warning("live_unreachable", error=type(err).__name__)
            return False
        return True

    def heads(self) -> dict[str, datetime] | None:
        """By queue in which something waits: when the job that comes next was put there. None when Redis is away."""
        found = {}
        try:
            for name in JOB_TIMEOUT_S:
                queue = Queue(name, connection=self.redis)
                next_jobs = queue.get_jobs(0, 3)  # the first may be taken and done before it is read
                told = next((job.enqueued_at for job in next_jobs if job.enqueued_at), None)
                if told or queue.count:
                    found[name] = told or LONG_AGO
        except RedisError as err:
            log.warning("queue_unreachable", error=type(err).__name__)
            return None
        return found

    def backlog(self, queue: str) -> int:
        """Jobs waiting; 0 when Redis is away, since then nothing is."""
        try:
            return int(Queue(queue, connection=self.redis).count)
        except RedisError:
            return 0

    def workers(self, queue: str) -> int:
        """Processes that take its jobs. Raises RedisError.

        The library's own list would make every later connection wait minutes for a Redis that hangs.
        """
        keys = Worker.all_keys(queue=Queue(queue, connection=self.redis))
        return sum(_is_alive(*self.redis.hmget(key, "hostname", "pid")) for key in keys)


def _job(queue: str, delivery: Owed) -> EnqueueData:
    runs, named = (RUN_NEXT, (queue,)) if queue in BY_TURNS else (RUN_DELIVERY, (delivery.tenant_id.hex, delivery.delivery_id.hex))
    return Queue.prepare_data(
        runs,
        args=named,
        timeout=JOB_TIMEOUT_S[queue],
        result_ttl=0,
        failure_ttl=300,
        description=f"delivery {delivery.delivery_id.hex}",
    )


def _is_alive(hostname: bytes | str | None, pid: bytes | str | None) -> bool:
    """One that was killed stays in the list for minutes; on another machine nobody can tell."""
    if hostname is None:
        return False
    return as_text(hostname) != socket.gethostname() or (pid is not None and processes.is_running(int(pid)))


def live_note(row: OutboxRow) -> str:
    return json.dumps({"seq": row.seq, "tenant": row.tenant_id.hex, "event": row.name, "ids": row.payload})
