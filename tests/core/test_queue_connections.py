"""Connections to a Redis kept by Sentinel: which are given up, which are closed, and how the next one finds its way."""

import multiprocessing
import signal
import time

import pytest
from redis.exceptions import ConnectionError as StaleConnection
from redis.exceptions import TimeoutError as NoAnswer
from rq import Queue

from appliance.core import queue_server
from appliance.core.config import RedisSettings
from appliance.core.queue_server import connect_redis
from appliance.entrypoints.worker import FOLLOWS_S, ConfinedWorker, QuickWorker
from tests.ports import free_port
from tests.sentinels import GUARD, MASTER, SECRET, Server, await_it

PATIENCE_S = 120
fork = multiprocessing.get_context("fork")
pytestmark = [pytest.mark.slow, pytest.mark.only_database("sqlite"), pytest.mark.timeout(3 * PATIENCE_S)]


def started(server):
    server.start()
    await_it(server.role)
    return server


@pytest.fixture
def servers(tmp_path):
    """Two that know nothing of each other."""
    plain = ['save ""', f'requirepass "{SECRET}"']
    made = [started(Server(tmp_path / name, free_port(), plain)) for name in ("one", "two")]
    yield made
    for server in made:
        server.kill()


@pytest.fixture
def told():
    """No sentinel listens: asked is the master that was named last."""
    return RedisSettings(url=f"redis://:{SECRET}@{MASTER}", sentinels=(f"127.0.0.1:{free_port()}",))


def names_as_master(told, server):
    queue_server._remember(told, ("127.0.0.1", server.port))


def test_a_replica_without_its_master_counts_as_away(servers, told):
    one, _two = servers
    names_as_master(told, one)
    redis = connect_redis(told)
    assert redis.set("a", 1)
    with one.ask() as asked:
        asked.config_set("replica-serve-stale-data", "no")
        asked.replicaof("127.0.0.1", free_port())
    with pytest.raises(StaleConnection, match="MASTER is down"):
        redis.get("a")


def test_where_one_got_no_answer_those_that_lie_idle_ask_the_next_master(servers, told):
    one, two = servers
    hasty = told.model_copy(update={"url": f"{told.url}?socket_timeout=0.5"})
    names_as_master(hasty, one)
    pool, apart = (connect_redis(hasty).connection_pool for _ in range(2))
    apart.release(apart.get_connection())
    held, *others = [pool.get_connection() for _ in range(3)]
    for other in others:
        pool.release(other)
    with one.ask() as asked:
        asked.client_pause(PATIENCE_S * 1000)
        held.send_command("GET", "a")
        with pytest.raises(NoAnswer):
            held.read_response()
    names_as_master(hasty, two)
    assert (pool.get_connection().port, apart.get_connection().port) == (two.port, two.port)


def test_whoever_is_closed_keeps_no_line_to_a_sentinel_open(servers, tmp_path):
    watches = [f"sentinel monitor {MASTER} 127.0.0.1 {servers[0].port} 1", f'sentinel auth-pass {MASTER} "{SECRET}"']
    watcher = Server(tmp_path / "watch", free_port(), [f'requirepass "{GUARD}"', *watches], sentinel=True)
    watcher.start()
    try:
        told = RedisSettings(url=f"redis://:{SECRET}@{MASTER}", sentinels=(f"redis://:{GUARD}@127.0.0.1:{watcher.port}",))
        with watcher.ask() as asked:
            await_it(asked.ping)
            before = len(asked.client_list())
            redis = connect_redis(told)
            await_it(redis.ping)
            assert len(asked.client_list()) == before + 1
            redis.close()
            await_it(lambda: len(asked.client_list()) == before)
    finally:
        watcher.kill()


def work(told):
    connection = connect_redis(told)
    QuickWorker([Queue("fast", connection=connection)], connection=connection, worker_ttl=FOLLOWS_S).work(logging_level="CRITICAL")


@pytest.fixture
def worker(servers, told):
    """Waits for work at the first server, as one does that would follow a master."""
    names_as_master(told, servers[0])
    started = fork.Process(target=work, args=(told,))
    started.start()
    yield started
    started.kill()
    started.join()


@pytest.mark.usefixtures("worker")
def test_a_worker_stays_with_a_master_that_stalls_for_a_while(servers):
    one, _two = servers
    with one.ask() as asked:
        await_it(lambda: waiting(asked))
        (before,) = waiting(asked)
        asks_anew(asked)
        one.kill(signal.SIGSTOP)
        since = time.monotonic()
        await_it(lambda: time.monotonic() > since + queue_server.PATIENCE["socket_timeout"] + 0.5)
        one.kill(signal.SIGCONT)
        asks_anew(asked)
        assert before in [client["id"] for client in asked.client_list()]


def waiting(asked):
    """Who waits for work, by connection."""
    return [client["id"] for client in asked.client_list() if client["cmd"] == "blmove"]


def asks_anew(asked):
    def asks():
        return asked.info("commandstats")["cmdstat_blmove"]["calls"]

    before = asks()
    await_it(lambda: asks() > before)


def test_a_worker_waits_two_seconds_longer_than_others_for_a_master_that_hangs(told):
    connection = connect_redis(told)
    QuickWorker([Queue("fast", connection=connection)], connection=connection, worker_ttl=FOLLOWS_S, prepare_for_work=False)
    assert connection.connection_pool.connection_kwargs["socket_timeout"] == queue_server.PATIENCE["socket_timeout"] + 2


def test_a_worker_that_lingers_takes_no_quiet_queue_for_a_master_that_hangs(servers, told, monkeypatch, capsys):
    monkeypatch.setitem(queue_server.PATIENCE, "socket_timeout", 1)
    names_as_master(told, servers[0])
    connection = connect_redis(told)
    lingers = ConfinedWorker([Queue("slow", connection=connection)], connection=connection, worker_ttl=FOLLOWS_S)
    lingers.lingers_s = 4
    lingers.register_birth()
    assert lingers._following(time.monotonic() + PATIENCE_S) is None
    assert "queue_hangs" not in capsys.readouterr().out
