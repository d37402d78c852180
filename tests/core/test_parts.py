"""Who says that it works, and falls silent, is missing; who leaves with a word is not."""

import time

import pytest

from appliance.core import parts

pytestmark = pytest.mark.only_database("sqlite")
LIMIT_S = 60


def await_missing(box, *names):
    ends = time.monotonic() + LIMIT_S
    while parts.list_missing(box.redis) != list(names):
        assert time.monotonic() < ends, parts.list_missing(box.redis)
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(parts, "EVERY_S", 0.05)
    monkeypatch.setattr(parts, "LASTS_S", 1)


def test_one_that_falls_silent_is_missing_until_it_works_again(box):
    works = [True]
    with parts.telling(box.redis, "relay", lambda: works[0]), parts.telling(box.redis, "sessions", lambda: True):
        while box.redis.scard(parts.KNOWN) < 2:
            time.sleep(0.02)
        assert parts.check(box).ok
        works[0] = False
        await_missing(box, "relay")
        found = parts.check(box)
        assert (found.ok, found.detail) == (False, "relay")
        works[0] = True
        await_missing(box)


def test_one_that_ends_in_order_is_not_missed_and_one_that_dies_is(box):
    with parts.telling(box.redis, "relay", lambda: True):
        while not box.redis.scard(parts.KNOWN):
            time.sleep(0.02)
    assert parts.list_missing(box.redis) == []
    assert not box.redis.scard(parts.KNOWN)
    works = iter([True])
    with pytest.raises(ZeroDivisionError), parts.telling(box.redis, "relay", lambda: next(works, False)):
        while not box.redis.scard(parts.KNOWN):
            time.sleep(0.02)
        raise ZeroDivisionError
    await_missing(box, "relay")
