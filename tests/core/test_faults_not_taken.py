"""A Sentry that is away uses up none of the tellings that an error has in an hour."""

import time

import pytest

from appliance.core import faults, metrics, receivers, sentry
from tests.core.test_faults import Quoting, told
from tests.peers.watcher import Watcher, watching

MORE = sentry.SAME_AN_HOUR + 3
PATIENCE_S = 60

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def watcher(box, tmp_path):
    with Watcher() as watcher, watching(box, tmp_path, dsn=watcher.dsn):
        yield watcher


@pytest.fixture
def no_rest(monkeypatch):
    monkeypatch.setattr(sentry, "RESTS_S", 0)


def fail(times):
    for _ in range(times):
        faults.tell(Quoting(), {})
        receivers.flush(PATIENCE_S)


def places(box):
    return sum(box.redis.scard(key) for key in box.redis.keys("fault:*"))


def test_what_is_refused_does_not_count_and_what_is_taken_then_does(watcher, box, no_rest):
    watcher.status = 503
    fail(MORE)
    assert (watcher.asked, places(box)) == (MORE, 0)
    watcher.status = 200
    fail(MORE)
    assert (len(told(watcher)), places(box)) == (sentry.SAME_AN_HOUR, sentry.SAME_AN_HOUR)


def test_what_never_left_does_not_count(box, tmp_path, no_rest):
    with Watcher() as closed:
        dsn = closed.dsn
    with watching(box, tmp_path, dsn=dsn):
        fail(MORE)
        assert places(box) == 0
        assert faults._teller._often.place_for(sentry.print_of(Quoting())) is not None


def test_what_may_have_arrived_counts(watcher, box, no_rest, monkeypatch):
    monkeypatch.setattr(receivers, "ANSWERS_S", 0.2)
    watcher.dawdles.set()
    fail(2)
    watcher.go_on()
    assert places(box) == 2
    fail(MORE)
    assert places(box) == sentry.SAME_AN_HOUR


def test_what_one_process_could_not_tell_another_may(watcher, box, no_rest):
    watcher.status = 503
    fail(MORE)
    faults._teller._often = sentry.Often(box.redis)
    watcher.status = 200
    fail(MORE)
    assert len(told(watcher)) == sentry.SAME_AN_HOUR


def test_who_comes_when_all_is_told_takes_no_place_of_those_who_give_theirs_back(box):
    often = [sentry.Often(box.redis) for _ in range(MORE)]
    taken = [(one, one.place_for("abc")) for one in often]
    asked = [one.is_told_by_others(place) for one, place in taken]
    assert asked == [False] * sentry.SAME_AN_HOUR + [True] * 3
    for one, place in taken[: sentry.SAME_AN_HOUR]:
        one.give_back(place)
    assert places(box) == 0


def test_a_place_of_an_hour_that_is_over_is_not_given_back_into_the_next(box, no_rest, monkeypatch):
    often = sentry.Often(box.redis)
    late = often.place_for("abc")
    often.is_told_by_others(late)
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + sentry.HOUR_S + 1)
    box.redis.delete("fault:abc")
    assert not any(often.is_told_by_others(often.place_for("abc")) for _ in range(sentry.SAME_AN_HOUR))
    often.give_back(late)
    assert often.place_for("abc") is None
    assert places(box) == sentry.SAME_AN_HOUR
    assert 0 < box.redis.ttl("fault:abc") <= sentry.HOUR_S


def test_an_error_that_was_not_taken_rests_and_another_is_told_all_the_same(watcher):
    watcher.status = 503
    fail(MORE)
    assert watcher.asked == 1
    watcher.status = 200
    fail(1)
    faults.tell(LookupError(), {})
    assert [event["exception"]["values"][-1]["type"] for event in told(watcher)] == ["LookupError"]


def test_what_finds_no_room_gives_its_place_back_and_nobody_waits_for_redis(watcher, box, no_rest, monkeypatch):
    monkeypatch.setattr(faults._teller._belt, "_most", 0)
    monkeypatch.setattr(sentry.Often, "_answer", lambda *_asked: pytest.fail("Redis was asked"))
    gone = metrics.UNTOLD.labels("errors")._value.get()
    fail(MORE)
    assert metrics.UNTOLD.labels("errors")._value.get() - gone == MORE, "each tried anew"


class Silent:
    def srem(self, *_asked):
        time.sleep(10 * sentry.WAITS_S)


def test_a_redis_that_hangs_keeps_no_place_from_being_given_back_here(no_rest):
    often = sentry.Often(Silent())
    for _ in range(MORE):
        often.give_back(often.place_for("abc"))
