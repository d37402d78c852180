"""SIGKILL to everything in turn while entries are made: each has its effect exactly once, in the order of its account."""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance.core.outbox import Delivery, DeliveryState
from tests.core.ledger import entries, make_entry
from tests.servers import redis_server

ENTRIES = 240
LIMIT_S = 90
ROOT = Path(__file__).parents[2]


@pytest.fixture
def redis_address(tmp_path):
    """A Redis of this test's own, to be killed and flushed."""
    return f"unix://{tmp_path}/redis.sock"


@pytest.fixture
def start(settings):
    running = []

    def start(role):
        where = (settings.home, settings.redis_url, settings.keys.master_key_file, settings.database.url)
        command = [sys.executable, "-m", "tests.core.processes", role, *map(str, where)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_nothing_is_lost_or_done_twice_when_workers_relay_and_redis_are_killed(settings, tmp_path, start, request):
    first_redis = redis_server(tmp_path)
    first_redis.__enter__()
    box, tenant_id = request.getfixturevalue("box"), request.getfixturevalue("tenant_id")
    workers, relay = [start("worker"), start("worker")], start("relay")
    second_redis = None
    for number in range(ENTRIES):
        with box.unit(tenant_id) as uow:
            make_entry(uow, f"account-{number % 12}")
        if number % 40 == 20:
            workers[0].kill()
            workers[0].wait()
            workers = [workers[1], start("worker")]
        if number == 90:
            relay.kill()
            relay.wait()
            relay = start("relay")
        if number == 120:
            first_redis.__exit__(None, None, None)
        if number == 150:
            second_redis = redis_server(tmp_path)
            second_redis.__enter__()
        if number == 200:
            box.redis.flushdb()
        time.sleep(0.01)
    try:
        wait_until_done(box)
        with box.unit(tenant_id) as uow:
            found = entries(uow)
        followed = Counter(entry.note for entry in found if entry.note)
        made = [entry for entry in found if not entry.note]
        assert len(made) == ENTRIES
        assert followed == Counter(f"follows {entry.id}" for entry in made)
        by_account = defaultdict(list)
        for entry in found:
            by_account[entry.account, bool(entry.note)].append(entry.note.removeprefix("follows ") or str(entry.id))
        assert all(by_account[account, True] == by_account[account, False] for account, _ in by_account)
    finally:
        if second_redis is not None:
            second_redis.__exit__(None, None, None)


def wait_until_done(box):
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        with box.whole_box("test", read_only=True) as uow:
            left = uow.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state != DeliveryState.DONE))
        if not left:
            return
        time.sleep(0.3)
    raise AssertionError(f"{left} deliveries are still open after {LIMIT_S} s")

