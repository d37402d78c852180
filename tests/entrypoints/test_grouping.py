import asyncio
import threading

import pytest

from appliance.core.errors import Unavailable
from appliance.entrypoints import grouping
from appliance.entrypoints.grouping import GroupCommit
from tests.loops import run_async

PATIENCE_S = 60


def silent(write):
    """Nobody asks what became of it."""

    def told(key, items):
        write(key, items)
        return [None] * len(items)

    return told


def slow():
    """A way to write that says when it has begun, and ends when it may."""
    begun, gate = threading.Event(), threading.Event()

    def write(*_):
        begun.set()
        gate.wait(PATIENCE_S)

    return write, begun, gate


async def add_all(group, pairs):
    return await asyncio.gather(*(group.add(key, item) for key, item in pairs), return_exceptions=True)


def run(write, pairs):
    group = GroupCommit(silent(write))
    try:
        return run_async(add_all(group, pairs))
    finally:
        group.close()


def test_what_waits_together_is_written_together_once_and_in_order():
    written = []
    assert run(lambda _key, items: written.append(list(items)), [("k", str(number)) for number in range(100)]) == [None] * 100
    assert [item for group in written for item in group] == [str(number) for number in range(100)]
    assert len(written) < 10


def test_who_come_again_are_written_together_with_those_who_came_meanwhile(monkeypatch):
    monkeypatch.setattr(grouping, "GATHER_S", 1.0)
    written = []

    async def ask(group):
        for _ in range(20):
            await group.add("k", "x")

    async def all_of_them(group):
        await asyncio.gather(*(ask(group) for _ in range(8)))

    group = GroupCommit(silent(lambda _key, items: written.append(len(items))))
    run_async(all_of_them(group))
    group.close()
    assert (sum(written), len(written) <= 32) == (160, True)


def test_one_alone_waits_for_nobody(monkeypatch):
    monkeypatch.setattr(grouping, "GATHER_S", 60.0)

    async def ask(group):
        for _ in range(3000):
            await asyncio.wait_for(group.add("k", "x"), 30)

    group = GroupCommit(silent(lambda *_: None))
    run_async(ask(group))
    group.close()


def test_channels_are_never_written_together():
    seen = []
    run(lambda key, items: seen.append({key, *(item[0] for item in items)}), [("ab"[n % 2], "ab"[n % 2] + str(n)) for n in range(50)])
    assert all(len(mixed) == 1 for mixed in seen)


def test_who_waits_hears_what_went_wrong_and_the_next_group_is_written():
    def write(key, _items):
        if key == "bad":
            raise ValueError("disk")

    outcomes = run(write, [("bad", "1"), ("good", "2"), ("bad", "3")])
    assert [type(outcome) for outcome in outcomes] == [ValueError, type(None), ValueError]


def test_each_hears_what_became_of_its_own():
    def write(_key, items):
        return [ValueError(item) if item == "2" else f"kept {item}" for item in items]

    group = GroupCommit(write)
    first, second, third = run_async(add_all(group, [("k", str(number)) for number in (1, 2, 3)]))
    group.close()
    assert (first, str(second), third) == ("kept 1", "2", "kept 3")


def test_nobody_is_answered_before_the_commit():
    write, begun, gate = slow()

    async def ask(group):
        waiting = asyncio.create_task(group.add("k", "x"))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        gate.set()
        await waiting

    group = GroupCommit(silent(write))
    run_async(ask(group))
    group.close()


def test_too_many_are_sent_away_at_once_and_told_when_to_come_again(monkeypatch):
    monkeypatch.setattr(grouping, "MOST_WAITING", 3)
    write, begun, gate = slow()

    async def flood(group):
        first = asyncio.create_task(group.add("k", "0"))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        rest = [asyncio.create_task(group.add("k", str(number))) for number in range(1, 6)]
        await asyncio.wait(rest[3:])
        gate.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    group = GroupCommit(silent(write))
    outcomes = run_async(flood(group))
    group.close()
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 4 + [Unavailable] * 2
    assert outcomes[-1].retry_after


def test_a_database_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(grouping, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(grouping, "CLOSING_S", PATIENCE_S)
    (wait, begun, gate), written = slow(), []

    def write(_key, items):
        wait()
        written.extend(items)

    async def hang(group):
        first = asyncio.create_task(group.add("k", "0"))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        monkeypatch.setattr(grouping, "LONGEST_WAIT_S", 0.2)
        with pytest.raises(Unavailable):
            await first
        with pytest.raises(Unavailable):
            await group.add("k", "given up on, so never written")
        gate.set()

    group = GroupCommit(silent(write))
    run_async(hang(group))
    group.close()
    assert written == ["0"]


def test_a_database_that_hangs_does_not_keep_the_process_from_ending(monkeypatch):
    monkeypatch.setattr(grouping, "CLOSING_S", 0.1)
    write, begun, gate = slow()

    async def leave_waiting(group):
        waiting = asyncio.create_task(group.add("k", "0"))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        group.close()
        with pytest.raises(Unavailable):
            await group.add("k", "1")
        gate.set()
        await waiting

    run_async(leave_waiting(GroupCommit(silent(write))))
