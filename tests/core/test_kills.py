"""SIGKILL to everything in turn while entries are made: each has its effect exactly once, in the order of its account."""

import time
from collections import Counter, defaultdict

import pytest

from tests.core.ledger import entries, make_entry
from tests.disasters import Victims

ENTRIES = 240
LIMIT_S = 300


@pytest.fixture
def redis_address(tmp_path):
    """A Redis of this test's own, to be killed and flushed."""
    return f"unix://{tmp_path}/redis.sock"


@pytest.fixture
def victims(settings):
    victims = Victims(settings, "tests.core.ledger")
    yield victims
    victims.close()


@pytest.mark.slow
def test_nothing_is_lost_or_done_twice_when_workers_relay_and_redis_are_killed(victims, box, tenant_id):
    victims.start()
    for number in range(ENTRIES):
        with box.unit(tenant_id) as uow:
            make_entry(uow, f"account-{number % 12}")
        victims.strike(box, number, of=ENTRIES)
        time.sleep(0.01)
    victims.await_done(box, LIMIT_S)
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
