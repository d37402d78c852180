"""Heavy jobs run in forks that may take so much and no more, and that go on with what waits."""

import json
import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import get_args

import pytest
from annotated_types import Le
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, SimpleWorker, Worker

from appliance.core import sound
from appliance.core.config import ModelSettings, NetworkSettings, RedisSettings, WorkerSettings
from appliance.core.dispatch import JOB_TIMEOUT_S
from appliance.core.otlp_lines import Lines
from appliance.core.outbox import QueueName
from appliance.core.queue_server import connect_redis
from appliance.core.receivers import PROTOBUF, Receiver
from appliance.entrypoints import worker as entry
from appliance.entrypoints.worker import AWAY_S, QUICK, SLOW, SPEECH, ConfinedWorker, QuickWorker, await_redis, confine
from tests.peers.watcher import Watcher
from tests.processes import FRESH
from tests.servers import redis_server
from webui.admin.jobs import QUEUES

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


def sign(path: str) -> None:
    with Path(path).open("a") as signed:
        signed.write(f"{os.getpid()} {resource.getrlimit(resource.RLIMIT_CPU)[0]}\n")


def calculate_then_sign(path: str) -> None:
    ends = time.process_time() + 1.1
    while time.process_time() < ends:
        pass
    sign(path)


def grow_then_sign(path: str) -> None:
    held = b"x" * (600 * 2**20)
    sign(path)
    del held


def sign_then_wait_for_the_end(path: str) -> None:
    """Done once the worker has passed on that it is to end."""
    told, hear = threading.Event(), signal.getsignal(signal.SIGTERM)
    assert callable(hear)
    signal.signal(signal.SIGTERM, lambda *how: (hear(*how), told.set()))
    sign(path)
    told.wait(60)


def sign_at_the_end(path: str) -> None:
    sign_then_wait_for_the_end(path)
    time.sleep(1)
    sign(path)


def sign_then_hang(path: str) -> None:
    sign(path)
    time.sleep(60)


def tell_a_line(path: str) -> None:
    receiver = Receiver("logs", Path(path).read_text(), NetworkSettings(), PROTOBUF)
    Lines({"service.name": "salesedge-worker-slow", "service.namespace": "salesedge"}, receiver).tell({"event": "said", "level": "info"})


def work(redis_address: str, name: str, lingers_s: int | None = None) -> None:
    """As small as a worker is: whatever forks from the tests' own process has grown before it begins."""
    before = {which: resource.getrlimit(which) for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU)}
    redis = Redis.from_url(redis_address)
    worker = ConfinedWorker([Queue(name, connection=redis)], connection=redis)
    worker.limits, worker.lingers_s = LIMITS, lingers_s
    worker.work(burst=True, logging_level="CRITICAL")
    assert {which: resource.getrlimit(which) for which in before} == before, "the worker itself is not limited"


@pytest.fixture
def queue(redis_address):
    redis = Redis.from_url(redis_address)
    yield Queue("confined", connection=redis)
    redis.flushdb()


@pytest.fixture
def start_worker(queue, redis_address):
    started = []

    def start():
        worker = FRESH.Process(target=work, args=(redis_address, queue.name))
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.join()


@pytest.fixture
def run_slowly(queue, start_worker, tmp_path):
    """What the jobs left in their file, and whether the last came to its end."""

    def run(*jobs):
        answer = tmp_path / "answer"
        queued = [queue.enqueue(job, str(answer)) for job in jobs]
        worker = start_worker()
        worker.join(120)
        assert worker.exitcode == 0
        return answer.read_text(), queued[-1].get_status(refresh=True).value

    return run


def test_a_heavy_job_knows_its_limits(run_slowly):
    said, status = run_slowly(tell_limits)
    assert (json.loads(said), status) == (
        {"RLIMIT_AS": 2048 * 2**20, "RLIMIT_CPU": 60, "RLIMIT_NOFILE": 1024, "RLIMIT_CORE": 0}, "finished",
    )


def test_too_much_memory_is_an_error_of_that_job_alone(run_slowly):
    assert run_slowly(take_too_much) == ("refused", "finished")


def test_a_job_that_calculates_for_ever_is_ended(run_slowly):
    assert run_slowly(calculate_for_ever) == ("begun", "failed")


def test_one_fork_does_what_waits_and_each_job_has_its_own_time(run_slowly):
    first, second, third = (line.split() for line in run_slowly(calculate_then_sign, calculate_then_sign, sign)[0].splitlines())
    assert first[0] == second[0] == third[0] != str(os.getpid())
    assert [int(one[1]) for one in (first, second, third)] == [60, 61, 62]


def test_a_fork_that_ends_sends_what_it_has_to_tell(run_slowly, tmp_path):
    with Watcher() as watcher:
        (tmp_path / "answer").write_text(f"{watcher.loki}/v1/logs")
        assert run_slowly(tell_a_line)[1] == "finished"
    assert watcher.events() == ["said"]


def test_a_fork_tells_what_is_left_also_when_redis_is_lost(monkeypatch):
    told = []

    def lose(*_given):
        raise RedisConnectionError

    monkeypatch.setattr(Worker, "perform_job", lose)
    monkeypatch.setattr(entry, "confine", lambda _limits: None)
    monkeypatch.setattr(entry.receivers, "flush", lambda: told.append("flushed"))
    with pytest.raises(RedisConnectionError):
        ConfinedWorker.perform_job(ConfinedWorker.__new__(ConfinedWorker), None, None)
    assert told == ["flushed"]


def test_a_fork_that_has_grown_is_replaced(run_slowly):
    first, second = (line.split()[0] for line in run_slowly(grow_then_sign, sign)[0].splitlines())
    assert first != second


def test_a_job_that_died_in_the_middle_takes_only_itself(run_slowly):
    said, status = run_slowly(sign, calculate_for_ever, sign)
    assert (said.splitlines()[0].split()[0], status) != (said.splitlines()[-1].split()[0], "failed")


@pytest.fixture
def working(queue, start_worker, tmp_path):
    """A worker at its first job, and the process that does the job."""

    def start(*jobs):
        answer = tmp_path / "answer"
        for job in jobs:
            queue.enqueue(job, str(answer))
        worker = start_worker()
        wait_until(lambda: answer.exists() and answer.read_text())
        return worker, int(answer.read_text().split()[0])

    return start


def test_a_fork_does_not_outlive_its_worker(working):
    worker, fork = working(sign_then_hang)
    worker.kill()
    wait_until(lambda: not is_running(fork))


def test_a_worker_told_to_end_finishes_its_job_and_begins_no_other(queue, working, tmp_path):
    worker, _fork = working(*[sign_then_wait_for_the_end] * 3)
    worker.terminate()
    worker.join(120)
    assert ((tmp_path / "answer").read_text().count("\n"), queue.count) == (1, 2)


def test_a_fork_waits_for_what_comes_next_and_ends_when_told_to_also_without_redis(tmp_path):
    answer = tmp_path / "answer"
    with redis_server(tmp_path) as address:
        queue = Queue("confined", connection=Redis.from_url(address))
        queue.enqueue(sign, str(answer))
        worker = FRESH.Process(target=work, args=(address, queue.name, 600))
        worker.start()
        wait_until(lambda: answer.exists() and answer.read_text())
        second = queue.enqueue(sign, str(answer))
        wait_until(lambda: second.get_status(refresh=True) == "finished")
    forks = {int(line.split()[0]) for line in answer.read_text().splitlines()}
    try:
        worker.terminate()
        worker.join(120)
        assert (len(forks), worker.is_alive(), any(map(is_running, forks))) == (1, False, False)
    finally:
        worker.kill()


def test_a_worker_told_to_end_waits_for_its_job_also_without_redis(tmp_path):
    answer = tmp_path / "answer"
    with redis_server(tmp_path) as address:
        queue = Queue("confined", connection=Redis.from_url(address))
        queue.enqueue(sign_at_the_end, str(answer))
        worker = FRESH.Process(target=work, args=(address, queue.name))
        worker.start()
        wait_until(lambda: answer.exists() and answer.read_text())
    try:
        worker.terminate()
        worker.join(120)
        assert (answer.read_text().count("\n"), worker.is_alive()) == (2, False)
    finally:
        worker.kill()


def wait_until(what):
    deadline = time.monotonic() + 180
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_job_of_speech_has_time_for_all_that_is_waited_for_in_it() -> None:
    longest_for_a_model = next(one.le for one in ModelSettings.model_fields["timeout_s"].metadata if isinstance(one, Le))
    assert JOB_TIMEOUT_S["speech"] > sound.SPEECH_WAIT_S + longest_for_a_model + sound.PACE * sound.LONGEST_SPEECH_S


def test_each_queue_has_workers_of_one_kind_a_longest_time_and_words() -> None:
    assert [*get_args(QueueName)] == [*QUICK, *SPEECH, *SLOW]
    assert {*get_args(QueueName)} == JOB_TIMEOUT_S.keys() == QUEUES.keys()


def test_a_worker_looks_for_a_redis_that_was_long_away_as_often_as_for_one_that_just_left():
    assert SimpleWorker.max_connection_wait_time > 10 > QuickWorker.max_connection_wait_time == ConfinedWorker.max_connection_wait_time


def test_a_worker_that_is_started_while_redis_is_away_waits_for_it(tmp_path):
    waits = threading.Thread(target=await_redis, args=(connect_redis(RedisSettings(url=f"unix://{tmp_path}/redis.sock")),), daemon=True)
    waits.start()
    waits.join(AWAY_S / 2)
    assert waits.is_alive()
    with redis_server(tmp_path):
        waits.join(60)
        assert not waits.is_alive()
