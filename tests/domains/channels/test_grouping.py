import threading

import pytest

from appliance.core.ids import new_id
from appliance.domains.channels.gateways.grouping import Group


def run_all(group, items, tenant_id):
    outcomes = {}

    def one(item):
        try:
            group.run(tenant_id, item)
            outcomes[item] = "ok"
        except ValueError as err:
            outcomes[item] = str(err)

    threads = [threading.Thread(target=one, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_what_waits_together_is_written_together_and_only_once():
    written, gate = [], threading.Event()

    def write(_box, _tenant, items):
        gate.wait(0.05)
        written.append(list(items))

    assert set(run_all(Group(None, write), range(40), new_id()).values()) == {"ok"}
    assert sorted(item for group in written for item in group) == list(range(40))
    assert len(written) < 40


def test_one_that_cannot_be_written_fails_alone():
    written = []

    def write(_box, _tenant, items):
        if 3 in items:
            raise ValueError("three")
        written.extend(items)

    outcomes = run_all(Group(None, write), range(10), new_id())
    assert outcomes == {number: "three" if number == 3 else "ok" for number in range(10)}
    assert sorted(written) == [number for number in range(10) if number != 3]


def test_organisations_are_never_written_together():
    seen, tenants = [], [new_id(), new_id()]
    group = Group(None, lambda _box, tenant, items: seen.append({tenant, *items}))
    threads = [threading.Thread(target=group.run, args=(tenants[number % 2], tenants[number % 2])) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(mixed) == 1 for mixed in seen)


@pytest.mark.parametrize("count", [1, 100])
def test_everybody_is_answered(count):
    assert len(run_all(Group(None, lambda *_: None), range(count), new_id())) == count
