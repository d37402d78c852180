from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.channels.rules import pacing

A_DAY = timedelta(days=1)


def test_a_message_is_tried_after_a_second_five_seconds_thirty_then_minutes():
    waits = [pacing.wait_of(attempt, chance=0.5).total_seconds() for attempt in range(1, 9)]
    assert waits == [1, 5, 30, 60, 120, 240, 300, 300]


@given(st.integers(1, 500), st.floats(0, 1))
def test_waits_grow_and_stay_short_enough_to_be_soon_on_the_way_again(attempt, chance):
    waits = [pacing.wait_of(number, chance=chance) for number in (attempt, attempt + 1)]
    assert waits == sorted(waits)
    assert waits[1] <= pacing.LONGEST_WAIT * 1.5


def test_a_provider_that_says_when_is_heard_up_to_an_hour():
    assert pacing.wait_of(1, chance=0.5, retry_after=120).total_seconds() == 120
    assert pacing.wait_of(1, chance=0.5, retry_after=10**6) == timedelta(hours=1)


def test_neither_many_tries_nor_a_long_wait_alone_is_hopeless():
    assert not pacing.is_hopeless(500, timedelta(hours=1))
    assert not pacing.is_hopeless(1, A_DAY)
    assert pacing.is_hopeless(pacing.MAX_ATTEMPTS, A_DAY)
