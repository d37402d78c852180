"""Errors that are hard to tell: with code of their own, from far below, and many at once."""

import pytest

from appliance.core import faults, metrics, sentry
from tests.core.test_faults import NAME, Quoting, told
from tests.peers.watcher import Watcher, watching

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def watcher(box, tmp_path):
    with Watcher() as watcher, watching(box, tmp_path, dsn=watcher.dsn):
        yield watcher


class Broken(Exception):
    @property
    def message(self):
        raise RuntimeError(NAME)


class Unreadable(Exception):
    def __getattr__(self, name):
        raise LookupError(name)


def nested(depth):
    err = ValueError("x")
    for _ in range(depth):
        err = ExceptionGroup("x", [err])
    return err


@pytest.mark.parametrize("err", [Broken(), Unreadable(), nested(2000)], ids=["broken", "unreadable", "nested"])
def test_an_error_that_cannot_be_told_is_counted_and_harms_nobody(watcher, err):
    gone = metrics.UNTOLD.labels("errors")._value.get()
    faults.tell(err, {})
    assert told(watcher) == []
    assert metrics.UNTOLD.labels("errors")._value.get() - gone == 1


def falls(depth):
    if depth:
        falls(depth - 1)
    raise Quoting(NAME)


def test_of_an_error_from_far_below_goes_a_part(watcher):
    with pytest.raises(Quoting) as raised:
        falls(500)
    err = raised.value
    for _ in range(30):
        above = Quoting(NAME)
        above.__cause__, err = err, above
    faults.tell(raised.value, {})
    faults.tell(err, {})
    deep, long = told(watcher)
    frames = deep["exception"]["values"][-1]["stacktrace"]["frames"]
    assert (len(frames), frames[-1]["function"]) == (sentry.MOST_FRAMES, "falls")
    assert len(long["exception"]["values"]) == sentry.MOST_ERRORS


def test_an_error_that_comes_from_deeper_than_the_library_goes_is_told_without_places(watcher):
    one = Quoting(NAME)

    def again(depth):
        if depth:
            again(depth - 1)
        raise one

    for _ in range(5):
        with pytest.raises(Quoting):
            again(500)
    faults.tell(one, {})
    (event,) = told(watcher)
    assert event["exception"]["values"][-1]["stacktrace"] == {"frames": []}
