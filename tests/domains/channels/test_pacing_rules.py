from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.channels.rules import pacing

A_DAY = timedelta(days=1)


@given(st.integers(1, 500))
def test_waits_grow_and_stay_short_enough_to_be_soon_on_the_way_again(attempt):
    assert pacing.FIRST_WAIT <= pacing.wait_of(attempt) <= pacing.wait_of(attempt + 1) <= pacing.LONGEST_WAIT


def test_a_provider_that_says_when_is_heard_up_to_an_hour():
    assert pacing.wait_of(1, retry_after=120).total_seconds() == 120
    assert pacing.wait_of(1, retry_after=10**6) == pacing.HOURS_AWAY


def test_neither_many_tries_nor_a_long_wait_alone_is_hopeless():
    assert not pacing.is_hopeless(500, timedelta(hours=1))
    assert not pacing.is_hopeless(1, A_DAY)
    assert pacing.is_hopeless(pacing.MAX_ATTEMPTS, A_DAY)
