"""Redis kept by Sentinel, of real servers: who is asked, what is said when that goes wrong, and who notices that the master is another."""

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from redis import RedisError
from redis.exceptions import ConnectionError as StaleConnection
from redis.exceptions import TimeoutError as NoAnswer
from rq import Queue

from appliance.core import crypto, live, queue_server
from appliance.core.config import RedisSettings
from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.footing import EVICTS, check_redis_set_up
from appliance.core.queue_server import ask_sentinels, connect_redis
from appliance.core.web.limits import RateLimits
from appliance.entrypoints import courtesies, up
from appliance.entrypoints.worker import FOLLOWS_S, QuickWorker
from tests.core.test_live import run_with_hub
from tests.peers import certificate
from tests.ports import free_port
from tests.sentinels import GUARD, MASTER, Server, await_it, kept_redis

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
pytestmark = [pytest.mark.slow, pytest.mark.only_database("sqlite"), pytest.mark.timeout(5 * PATIENCE_S)]
fork = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with kept_redis(tmp_path_factory.mktemp("kept")) as found:
        yield found


@pytest.fixture
def server(kept):
    yield RedisSettings(**kept.told)
    kept.await_calm()


@pytest.fixture
def silent(tmp_path):
    """Sentinels named where nobody listens."""
    return RedisSettings(url=f"redis://{MASTER}", sentinels=tuple(f"127.0.0.1:{free_port()}" for _ in range(3)))


def kept_by(box, server):
    box.settings = box.settings.model_copy(update={"redis": server})
    box.redis = box.dispatcher.redis = connect_redis(server)


def goes_on(redis):
    """Whether it takes a write; the seconds until it does are printed."""
    began = time.monotonic()
    await_it(lambda: redis.set("goes", "on"))
    print(f"went on after {time.monotonic() - began:.1f} s")  # noqa: T201 - figures for whoever asks with -s


def test_a_password_in_a_file_opens_a_server_that_is_named_itself(box, kept):
    kept_by(box, RedisSettings(url=f"redis://127.0.0.1:{kept.master().port}", password_file=kept.secret))
    run_with_hub(box, _heard)
    assert box.redis.ping()


def test_a_password_is_read_once_and_a_file_that_is_away_later_ends_no_feed(box, kept, tmp_path):
    file = tmp_path / "password"
    file.write_text(kept.secret.read_text())
    kept_by(box, RedisSettings(url=f"redis://127.0.0.1:{kept.master().port}", password_file=file))
    with kept.master().ask() as asked:
        run_with_hub(box, lambda hub: _hears_again(box, hub, lambda: file.unlink() or asked.client_kill_filter(_type="pubsub")))


async def _hears_again(box, hub, change):
    heard = []
    hub._hear = heard.append
    await live.asyncio.to_thread(change)

    def is_heard():
        box.redis.publish(LIVE_CHANNEL, json.dumps({"after": "the change"}))
        return any("after" in told for told in heard)

    await live.asyncio.to_thread(await_it, is_heard)


async def _heard(_hub):
    """`run_with_hub` waits until it hears what is published."""


def test_a_machine_that_lost_its_power_is_noticed(server):
    plug = connect_redis(server).connection_pool.get_connection()._sock
    kept_alive = [plug.getsockopt(socket.IPPROTO_TCP, which) for which in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
    assert (plug.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), kept_alive) == (1, [4, 2, 3])


def test_what_is_wrong_with_the_sentinels_is_said_in_a_sentence(server, silent, kept, tmp_path):
    (tmp_path / "wrong").write_text("wrong")
    assert ask_sentinels(server) == queue_server.Sight(3, ("127.0.0.1", kept.master().port), "")
    asked = ", ".join(silent.sentinels)
    assert ask_sentinels(silent).fault == f"None of the sentinels answers: {asked}. Check redis.sentinels, and that they run."
    other = ask_sentinels(server.model_copy(update={"url": "redis://other/0"}))
    assert other.fault == f"The sentinels know no master other. They know: {MASTER}. Write that into redis.url."
    for wrong in (None, tmp_path / "wrong"):
        refused = ask_sentinels(server.model_copy(update={"sentinel_password_file": wrong}))
        assert refused.fault == "The sentinels refuse this box. Check redis.sentinel_password_file, and the user in redis.sentinels."


def test_a_box_with_sentinels_named_wrongly_does_not_start_and_the_doctor_says_why(server, silent, tmp_path):
    crypto.create_master_key(tmp_path / "master.key")
    misnamed = server.model_copy(update={"url": "redis://other/0"})
    for told in (silent, misnamed):
        said = ask_sentinels(told).fault
        started = of_the_box(tmp_path, told, "cli", "up", "--port", str(free_port()))
        assert (started.returncode, started.stderr.strip()) == (1, said), started.stderr
        doctor = of_the_box(tmp_path, told, "cli", "doctor", "--json")
        found = json.loads(doctor.stdout)["sentinels"]
        assert (doctor.returncode, found["ok"], found["needed"], found["fix"]) == (1, False, True, said)
    alone = of_the_box(tmp_path, misnamed, "alone", "relay")
    assert (alone.returncode, alone.stderr.strip()) == (1, said)


def of_the_box(home, told, program, *arguments):
    environment = os.environ | {
        "SALESEDGE_HOME": str(home / "data"), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(home / "master.key"), "LC_ALL": "C.UTF-8",
        "SALESEDGE__REDIS__URL": told.url, "SALESEDGE__REDIS__SENTINELS": json.dumps(told.sentinels),
        **({"SALESEDGE__REDIS__SENTINEL_PASSWORD_FILE": str(told.sentinel_password_file)} if told.sentinel_password_file else {}),
    }  # fmt: skip
    command = [sys.executable, "-m", f"appliance.entrypoints.{program}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_whoever_holds_a_connection_follows_a_master_that_dies(box, server, kept):
    kept_by(box, server)
    goes_on(box.redis)
    old = kept.master()
    old.kill()
    goes_on(box.redis)
    RateLimits(box.redis).check("5/minute", "somebody")
    with kept.master().ask() as asked:
        assert asked.get("goes") == b"on"
        asked.config_set("maxmemory-policy", "allkeys-lru")
        assert check_redis_set_up(box).fix == EVICTS
        asked.config_set("maxmemory-policy", "noeviction")
    child = fork.Process(target=_write_from_a_fork, args=(box.redis,))
    child.start()
    child.join(PATIENCE_S)
    assert (child.exitcode, box.redis.get("forked")) == (0, b"yes")
    old.start()
    kept.await_calm()
    goes_on(box.redis)
    assert old.role() == "slave"


def _write_from_a_fork(redis):
    redis.set("forked", "yes")


def test_who_waits_for_work_goes_on_waiting_at_the_next_master(server, kept):
    redis, taken = connect_redis(server.model_copy(update={"url": f"{server.url}?socket_timeout={2 * PATIENCE_S}"})), []

    def wait():
        while not taken:
            try:
                taken.append(redis.blpop(["work"], timeout=PATIENCE_S))
            except StaleConnection:  # of which the worker's library makes a pause; anything else ends it
                continue
            except RedisError as err:
                taken.append(err)

    waiting = threading.Thread(target=wait)
    waiting.start()
    old = kept.master()
    with old.ask() as asked:
        await_it(lambda: waits(asked))
        asked.client_unblock(waits(asked)[0]["id"], error=True)  # as a server says that stops being a master
        await_it(lambda: waits(asked))
    kept.hand_over()
    await_it(lambda: old.role() == "slave")
    connect_redis(server).rpush("work", "to do")
    waiting.join(PATIENCE_S)
    assert taken == [(b"work", b"to do")]


def waits(asked):
    return [client for client in asked.client_list() if client["cmd"] == "blpop"]


def test_a_master_that_lacks_replicas_counts_as_away(server, kept):
    with kept.master().ask() as asked:
        asked.config_set("min-replicas-to-write", 2)
        try:
            with pytest.raises(StaleConnection):
                connect_redis(server).set("a", 1)
        finally:
            asked.config_set("min-replicas-to-write", 0)


def test_a_worker_follows_a_master_that_hangs(server, kept):
    worker = fork.Process(target=_work, args=(server,))
    worker.start()
    try:
        with kept.master().ask() as asked:
            await_it(lambda: asked.info("clients")["blocked_clients"] == 1)
        old = kept.master()
        old.kill(signal.SIGSTOP)
        began, redis, job = time.monotonic(), connect_redis(server), []
        await_it(lambda: job.append(Queue("fast", connection=redis).enqueue("time.time", result_ttl=PATIENCE_S)) or True)
        await_it(lambda: job[0].is_finished)
        print(f"a worker went on {time.monotonic() - began:.1f} s after its master hung")  # noqa: T201 - the same
        assert worker.is_alive()
    finally:
        old.kill(signal.SIGCONT)
        worker.kill()
        worker.join()


def _work(server):
    connection = connect_redis(server)
    QuickWorker([Queue("fast", connection=connection)], connection=connection, worker_ttl=FOLLOWS_S).work(logging_level="CRITICAL")


def test_what_was_asked_in_vain_is_not_the_answer_to_what_comes_next(server, kept):
    hasty, answers = connect_redis(server.model_copy(update={"url": f"{server.url}?socket_timeout=0.5"})), []
    connect_redis(server).set("question", "answer")
    await_it(hasty.ping)
    with kept.master().ask() as asked:
        asked.client_pause(PATIENCE_S * 1000, all=False)  # of writes; a sentinel that had no answer would take the master for dead
        try:
            with pytest.raises(NoAnswer):
                hasty.getdel("question")
        finally:
            asked.client_unpause()
    await_it(lambda: answers.append(hasty.ping()) or True)
    assert answers == [True]


def test_browsers_hear_what_is_published_at_the_next_master(box, server, kept):
    kept_by(box, server)

    run_with_hub(box, lambda hub: _hears_again(box, hub, kept.hand_over))


def test_browsers_and_courtesies_leave_a_master_that_hangs(box, server, kept, monkeypatch):
    monkeypatch.setattr(courtesies, "AWAY_S", 0.1)
    kept_by(box, server)
    polite, heard = courtesies.Courtesies(box, dict), []
    polite._hear = heard.append
    polite.start()
    old = kept.master()
    try:
        await_it(lambda: box.redis.publish(LIVE_CHANNEL, "{}") and heard)
        box.redis.publish(LIVE_CHANNEL, "{}")  # by a connection that lies idle from here on
        run_with_hub(box, lambda hub: _hears_again(box, hub, lambda: old.kill(signal.SIGSTOP)))
        await_it(lambda: box.redis.publish(LIVE_CHANNEL, json.dumps({"after": "the change"})) and {"after": "the change"} in heard)
    finally:
        old.kill(signal.SIGCONT)
        polite.stop()
        polite.join(PATIENCE_S)


def test_a_server_with_nothing_to_say_is_asked_and_not_left(box):
    polite = courtesies.Courtesies(box, dict)
    polite._hear = dict  # what tests publish is no whisper
    polite.start()

    def ears():
        return {ear["id"]: ear["cmd"] for ear in box.redis.client_list(_type="pubsub")}

    async def wait(_hub):
        await live.asyncio.to_thread(await_it, lambda: len(ears()) == 2)
        before = set(ears())
        await live.asyncio.to_thread(await_it, lambda: not before.issubset(ears()) or set(ears().values()) == {"ping"})
        since = time.monotonic()  # whoever takes an answer for silence leaves now
        await live.asyncio.to_thread(await_it, lambda: time.monotonic() > since + queue_server.PATIENCE["socket_timeout"] + 2)
        assert set(ears()) == before

    try:
        run_with_hub(box, wait)
    finally:
        polite.stop()
        polite.join(PATIENCE_S)


def test_without_sentinels_the_master_that_is_known_is_asked_on_also_by_who_has_to_connect_again(server, kept):
    redis = connect_redis(server)
    goes_on(redis)
    for watcher in kept.watchers:
        watcher.kill()
    try:
        goes_on(redis)
        redis.connection_pool.disconnect()
        goes_on(redis)
    finally:
        for watcher in kept.watchers:
            watcher.start()


def test_a_sentinel_that_came_back_without_its_file_stops_nobody(box, server, kept, tmp_path):
    ignorant = Server(tmp_path / "ignorant", free_port(), [f'requirepass "{GUARD}"'], sentinel=True)
    named = (f"127.0.0.1:{ignorant.port}", kept.sentinels[0], f"127.0.0.1:{free_port()}")
    told = RedisSettings(**(kept.told | {"sentinels": named}))
    kept_by(box, told)
    ignorant.start()
    try:
        goes_on(box.redis)
        kept.watchers[0].kill()
        await_it(lambda: ask_sentinels(told).answering == 1)
        assert not ask_sentinels(told).is_misnamed
        up.check_sentinels(box.settings)
        box.redis.connection_pool.disconnect()
        goes_on(box.redis)
        run_with_hub(box, _heard)
        alone = told.model_copy(update={"sentinels": named[:1]})
        assert ask_sentinels(alone).is_misnamed
        with pytest.raises(up.CannotStart):
            up.check_sentinels(box.settings.model_copy(update={"redis": alone}))
    finally:
        kept.watchers[0].start()
        ignorant.kill()


def test_sentinels_that_hang_are_waited_for_once_and_not_by_each_question(monkeypatch):
    monkeypatch.setattr(queue_server, "SILENT_S", PATIENCE_S)
    monkeypatch.setattr(queue_server, "SENTINEL_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # it takes connections in, and says nothing
        address = f"127.0.0.1:{hangs.getsockname()[1]}"
        redis = connect_redis(RedisSettings(url=f"redis://{MASTER}", sentinels=(address,)))
        manager = redis.connection_pool.sentinel_manager
        asked, ask = [], manager.sentinels[0].sentinel_masters
        monkeypatch.setattr(manager.sentinels[0], "sentinel_masters", lambda: asked.append(1) or ask())
        for _ in range(3):
            with pytest.raises(StaleConnection):
                redis.ping()
        assert len(asked) == 1


def test_one_refusal_among_silent_sentinels_is_no_wrong_name(server, kept, tmp_path):
    (tmp_path / "wrong").write_text("wrong")
    named = (kept.sentinels[0], f"127.0.0.1:{free_port()}")
    told = server.model_copy(update={"sentinels": named, "sentinel_password_file": tmp_path / "wrong"})
    assert (ask_sentinels(told).fault[:26], ask_sentinels(told).is_misnamed) == ("The sentinels refuse this ", False)
    assert ask_sentinels(told.model_copy(update={"sentinels": kept.sentinels})).is_misnamed


def test_a_master_that_a_sentinel_misses_is_not_taken_for_the_last_one_known(server, kept):
    queue_server._remember(server, ("127.0.0.1", kept.master().port))
    assert queue_server._last_of(server, [{}]) == ("127.0.0.1", kept.master().port)
    with pytest.raises(StaleConnection):
        queue_server._last_of(server, [{}, {MASTER: {"is_sdown": True}}])


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is missing: apt install redis-server")
def test_servers_and_sentinels_are_reached_by_tls_alone(box, tmp_path):
    made = certificate.make(tmp_path)
    port, watch = free_port(), free_port()
    tls = [f'tls-cert-file "{made.cert}"', f'tls-key-file "{made.key}"', f'tls-ca-cert-file "{made.cert}"', "tls-auth-clients no",
           "tls-replication yes", "port 0"]  # fmt: skip
    servers = (
        Server(tmp_path / "one", 0, [*tls, f"tls-port {port}", "appendonly yes", 'user app on ">of-the-app" ~* &* +@all']),
        Server(tmp_path / "watch", 0, [*tls, f"tls-port {watch}", f"sentinel monitor {MASTER} 127.0.0.1 {port} 1"], sentinel=True),
    )
    told = RedisSettings(url=f"rediss://app:of-the-app@{MASTER}/2?ssl_ca_certs={made.cert}", sentinels=(f"127.0.0.1:{watch}",))
    try:
        for one in servers:
            one.start()
        await_it(lambda: ask_sentinels(told).master == ("127.0.0.1", port))
        kept_by(box, told)
        assert (box.redis.set("a", 1), box.redis.acl_whoami(), box.redis.client_info()["db"]) == (True, "app", 2)
        run_with_hub(box, _heard)
        nobody = told.model_copy(update={"url": f"rediss://app:of-the-app@{MASTER}/2"})
        assert ask_sentinels(nobody).master is None  # whose certificate nobody vouches for
    finally:
        for one in servers:
            if one.process is not None:
                one.kill()
