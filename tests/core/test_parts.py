"""Who says that it works, and falls silent, is missing; who leaves with a word is not."""

import contextlib
import time

import pytest

from appliance.core import housekeeping, parts

pytestmark = pytest.mark.only_database("sqlite")
LIMIT_S = 60


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(parts, "EVERY_S", 0.05)
    monkeypatch.setattr(parts, "ENDS_S", LIMIT_S)


def until(is_so):
    ends = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.02)


def lapsed(box, name):
    """What it said last is over."""
    box.redis.delete(f"part:{name}")
    return parts.list_missing(box.redis) == [name]


def test_one_that_falls_silent_is_missing_until_it_works_again(box):
    works = [True]
    with contextlib.ExitStack() as all_of_them:
        all_of_them.enter_context(parts.telling(box.redis, "relay", lambda: works[0]))
        for name in ("scheduler", "sessions"):
            all_of_them.enter_context(parts.telling(box.redis, name, lambda: True))
        until(lambda: box.redis.scard(parts.KNOWN) == 3)
        assert parts.check(box).ok
        assert 0 < box.redis.ttl("part:relay") <= parts.LASTS_S
        works[0] = False
        until(lambda: lapsed(box, "relay"))
        found = parts.check(box)
        assert (found.ok, found.detail) == (False, "relay")
        works[0] = True
        until(lambda: parts.list_missing(box.redis) == [])


def test_one_that_ends_in_order_is_not_missed_and_one_that_dies_is(box):
    with parts.telling(box.redis, "relay", lambda: True):
        until(lambda: box.redis.scard(parts.KNOWN))
    assert parts.list_missing(box.redis) == []
    assert not box.redis.scard(parts.KNOWN)
    works = iter([True])
    with pytest.raises(ZeroDivisionError), parts.telling(box.redis, "relay", lambda: next(works, False)):
        until(lambda: box.redis.scard(parts.KNOWN))
        raise ZeroDivisionError
    until(lambda: lapsed(box, "relay"))


def test_one_that_never_began_or_was_stopped_is_missed_by_who_looks_closely(box):
    assert parts.list_missing(box.redis) == []
    assert parts.check(box).detail == "relay, scheduler, sessions"
    with parts.telling(box.redis, "scheduler", lambda: True), parts.telling(box.redis, "sessions", lambda: True):
        until(lambda: parts.check(box).detail == "relay")
        with box.whole_box("figures", read_only=True) as uow:
            assert housekeeping.count_parts(uow) == {"relay": 0, "scheduler": 1, "sessions": 1}
