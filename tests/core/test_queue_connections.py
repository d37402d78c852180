"""Connections to a Redis kept by Sentinel: which are given up, which are closed, and how the next one finds its way."""

import pytest
from redis.exceptions import ConnectionError as StaleConnection
from redis.exceptions import TimeoutError as NoAnswer

from appliance.core import queue_server
from appliance.core.config import RedisSettings
from appliance.core.queue_server import connect_redis
from tests.ports import free_port
from tests.sentinels import GUARD, MASTER, SECRET, Server, await_it

PATIENCE_S = 120
pytestmark = [pytest.mark.slow, pytest.mark.only_database("sqlite")]


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
    return RedisSettings(url=f"redis://:{SECRET}@{MASTER}?socket_timeout=0.5", sentinels=(f"127.0.0.1:{free_port()}",))


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
    names_as_master(told, one)
    redis = connect_redis(told)
    pool = redis.connection_pool
    held, *others = [pool.get_connection() for _ in range(3)]
    for other in others:
        pool.release(other)
    with one.ask() as asked:
        asked.client_pause(PATIENCE_S * 1000)
        held.send_command("GET", "a")
        with pytest.raises(NoAnswer):
            held.read_response()
    names_as_master(told, two)
    assert pool.get_connection().port == two.port


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
