"""A whole box whose Redis is kept by Sentinel: whoever is master dies, hangs or hands over while customers write; each has one answer."""

import json
import signal
import time

import pytest

from tests.journeys.running import wait_for
from tests.sentinels import kept_redis
from tests.survive.faults import LIMIT_S, SWEET_S, company

pytestmark = [pytest.mark.slow, pytest.mark.timeout(6 * LIMIT_S)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with kept_redis(tmp_path_factory.mktemp("kept")) as found:
        yield found


@pytest.fixture(scope="module")
def shared(kept, tmp_path_factory):
    told = {f"redis__{name}": list(value) if isinstance(value, tuple) else str(value) for name, value in kept.told.items()}
    with company(tmp_path_factory.mktemp("box"), **told) as found:
        yield found
        print(", ".join(f"{fault}: {seconds:.1f} s" for fault, seconds in found.seconds.items()))  # noqa: T201 - figures for whoever asks with -s


@pytest.fixture
def firm(shared, kept):
    yield shared
    kept.await_calm()
    shared.recovered("the end", time.monotonic())
    shared.check_nothing_is_lost()


def await_owed(firm):
    """Somebody's message was taken, and the answer is on its way."""

    def is_owed():
        firm.customers.wanted.set()
        return len(firm.customers.taken) > len(firm.customers.answers())

    wait_for(is_owed, limit_s=LIMIT_S, every_s=SWEET_S)


def findings(firm):
    done = firm.box.cli("doctor", "--json")
    return done.returncode, json.loads(done.stdout)


def test_the_box_starts_none_of_its_own(firm):
    assert "redis-server" not in firm.box.children()
    assert not list(firm.box.home.glob("**/redis.sock"))


def test_a_master_that_is_killed_is_followed_and_comes_back_as_a_replica(firm, kept):
    old = kept.master()
    await_owed(firm)
    old.kill()
    firm.recovered("the master is killed", time.monotonic())
    assert kept.master() is kept.other(old)
    old.start()
    kept.await_calm()
    firm.recovered("it is back", time.monotonic())
    assert (kept.master(), old.role()) == (kept.other(old), "slave")


def test_the_doctor_asks_the_master_of_today(firm, kept):
    code, found = findings(firm)
    assert (code, found["sentinels"]["ok"], found["queue set-up"]["ok"]) == (0, True, True), found
    assert found["sentinels"]["detail"] == f"3/3, 127.0.0.1:{kept.master().port}"
    with kept.master().ask() as asked:
        asked.config_set("appendonly", "no")
    try:
        code, found = findings(firm)
        assert (code, found["queue set-up"]["ok"]) == (1, False)
    finally:
        with kept.master().ask() as asked:
            asked.config_set("appendonly", "yes")


def test_a_master_that_hands_over_while_it_lives_is_left(firm, kept):
    await_owed(firm)
    kept.hand_over()
    firm.recovered("the master hands over", time.monotonic())


def test_a_master_that_hangs_is_left(firm, kept):
    old = kept.master()
    await_owed(firm)
    old.kill(signal.SIGSTOP)
    try:
        firm.recovered("the master hangs", time.monotonic())
    finally:
        old.kill(signal.SIGCONT)


def test_without_any_sentinel_it_goes_on_with_the_master_it_knows(firm, kept):
    for watcher in kept.watchers:
        watcher.kill()
    try:
        firm.recovered("no sentinel", time.monotonic())
        with kept.master().ask() as asked:
            asked.client_kill_filter(_type="normal", skipme=True)  # who comes again has nobody to ask
        firm.recovered("no sentinel, and all connections lost", time.monotonic())
        code, found = findings(firm)
        assert (code, found["sentinels"]["ok"]) == (1, False)
    finally:
        for watcher in kept.watchers:
            watcher.start()
