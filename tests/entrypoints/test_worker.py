"""A heavy job runs in a fork of its own that may take so much and no more."""

import json
import resource
import signal
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from appliance.core.config import WorkerSettings
from appliance.entrypoints.worker import ConfinedWorker, confine

LIMITS = WorkerSettings(slow_memory_mb=2048, slow_cpu_s=60)


def tell_limits(path: str) -> None:
    names = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NOFILE", "RLIMIT_CORE")
    Path(path).write_text(json.dumps({name: resource.getrlimit(getattr(resource, name))[0] for name in names}))


def take_too_much(path: str) -> None:
    try:
        bytearray(3 * 2**30)
    except MemoryError:
        Path(path).write_text("refused")


def calculate_for_ever(path: str) -> None:
    confine(LIMITS.model_copy(update={"slow_cpu_s": 1}))
    Path(path).write_text("begun")
    while True:
        pass


@pytest.fixture
def run_slowly(redis_address, tmp_path):
    """What the job left in its file, and whether it came to its end."""
    before = {which: resource.getrlimit(which) for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU)}
    handlers = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}
    redis = Redis.from_url(redis_address)
    queue = Queue("confined", connection=redis)

    def run(job):
        answer = tmp_path / "answer"
        queued = queue.enqueue(job, str(answer))
        worker = ConfinedWorker([queue], connection=redis)
        worker.limits = LIMITS
        worker.work(burst=True, logging_level="CRITICAL")
        assert {which: resource.getrlimit(which) for which in before} == before, "the worker itself is not limited"
        return answer.read_text(), queued.get_status(refresh=True).value

    yield run
    redis.flushdb()
    for which, handler in handlers.items():
        signal.signal(which, handler)


def test_a_heavy_job_knows_its_limits(run_slowly):
    said, status = run_slowly(tell_limits)
    assert (json.loads(said), status) == (
        {"RLIMIT_AS": 2048 * 2**20, "RLIMIT_CPU": 60, "RLIMIT_NOFILE": 1024, "RLIMIT_CORE": 0}, "finished",
    )


def test_too_much_memory_is_an_error_of_that_job_alone(run_slowly):
    assert run_slowly(take_too_much) == ("refused", "finished")


def test_a_job_that_calculates_for_ever_is_ended(run_slowly):
    assert run_slowly(calculate_for_ever) == ("begun", "failed")
