"""How long a try that failed is put off."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.backoff import HOUR, back_off

chances = st.floats(0, 1)


def test_tries_are_made_after_a_second_five_seconds_thirty_then_minutes_up_to_an_hour():
    waits = [back_off(attempt, chance=0.5).total_seconds() for attempt in (1, 2, 3, 4, 5, 6, 10, 99)]
    assert waits == [1, 5, 30, 60, 120, 240, 3600, 3600]


@given(st.integers(1, 99), chances)
def test_what_failed_together_comes_back_scattered_at_every_try_the_longest_too(attempt, chance):
    middle = back_off(attempt, chance=0.5)
    assert middle / 2 <= back_off(attempt, chance=chance) <= middle * 1.5
    assert back_off(attempt, chance=0) < back_off(attempt, chance=1)


@given(st.integers(1, 99), chances)
def test_who_says_when_is_heard_up_to_an_hour_and_never_made_to_wait_less(attempt, chance):
    assert back_off(attempt, chance=chance, retry_after=120) >= timedelta(seconds=120)
    assert back_off(1, chance=chance, retry_after=10**6) == HOUR
