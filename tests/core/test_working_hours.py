"""Time counts only while somebody works."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import working_hours as hours
from appliance.core.working_hours import Calendar, Span

SP = ZoneInfo("America/Sao_Paulo")
OFFICE = Calendar(SP, tuple(Span(day, time(9), time(18)) for day in range(5)))
HOUR = timedelta(hours=1)


def at(day, hour, minute=0):
    """In São Paulo, November 2026: the 16th is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=SP)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        (at(16, 10), HOUR, at(16, 11)),
        (at(16, 17, 30), HOUR, at(17, 9, 30)),
        (at(16, 17), HOUR, at(16, 18)),  # to the minute they close, not to the next morning
        (at(20, 17, 30), HOUR, at(23, 9, 30)),
        (at(21, 3), HOUR, at(23, 10)),
        (at(16, 9), 18 * HOUR, at(17, 18)),
    ],
)
def test_time_counts_while_somebody_works(start, span, end):
    assert hours.after(OFFICE, start, span) == end
    assert hours.between(OFFICE, start, end) == span


def test_a_holiday_counts_for_nothing():
    closed = Calendar(SP, OFFICE.spans, place="BR")
    assert hours.after(closed, at(19, 17, 30), HOUR) == at(23, 9, 30)  # the 20th: Consciência Negra, then a weekend
    revolution = date(2026, 7, 9)
    assert hours.holidays_of("BR-SP")(revolution)
    assert not hours.holidays_of("BR")(revolution)
    with pytest.raises(LookupError):
        hours.holidays_of("BR-XX")


def test_a_night_shift_runs_past_midnight_and_spans_over_each_other_count_once():
    night = Calendar(SP, (Span(0, time(22), time(6)), Span(1, time(5), time(7))))
    assert hours.after(night, at(17, 5), 2 * HOUR) == at(17, 7)
    assert hours.between(night, at(16, 0), at(17, 12)) == 9 * HOUR


def test_who_never_works_lives_by_the_clock_on_the_wall():
    never = Calendar(SP, days_off=frozenset(date(2026, 11, 1) + timedelta(days=n) for n in range(hours.LOOK_AHEAD + 30)))
    assert hours.after(never, at(16, 10), HOUR) == at(16, 11)
    assert hours.next_open(never, at(16, 10)) is None


def test_around_the_clock_the_hour_that_daylight_saving_takes_is_no_hour():
    lisbon = Calendar(ZoneInfo("Europe/Lisbon"))
    start = datetime(2026, 3, 28, 20, tzinfo=UTC)
    assert hours.after(lisbon, start, 24 * HOUR) == start + 24 * HOUR


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.integers(1, 60 * 24 * 30), st.sampled_from(["America/Sao_Paulo", "Europe/Lisbon", "UTC"]))
def test_as_much_time_lies_between_as_was_gone_forward(start, minutes, zone):
    calendar = Calendar(ZoneInfo(zone), (*OFFICE.spans, Span(5, time(8), time(12)), Span(6, time(23), time(2))))
    end = hours.after(calendar, start, timedelta(minutes=minutes))
    assert end >= start
    assert hours.between(calendar, start, end) == timedelta(minutes=minutes)


@given(moments, st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_pause_anywhere_takes_no_working_time(start, first, second):
    middle = hours.after(OFFICE, start, timedelta(minutes=first))
    whole = hours.after(OFFICE, start, timedelta(minutes=first + second))
    assert hours.between(OFFICE, middle, whole) == timedelta(minutes=second)


def test_hours_are_those_of_the_calendars_own_place():
    assert hours.is_open(OFFICE, at(16, 9))
    assert not hours.is_open(OFFICE, at(16, 18))
    assert not hours.is_open(Calendar(ZoneInfo("Asia/Tokyo"), OFFICE.spans), at(16, 12))
    assert hours.is_open(hours.ALWAYS, at(21, 3))


@pytest.mark.parametrize(
    ("now", "opens"),
    [(at(16, 10), at(16, 10)), (at(16, 8), at(16, 9)), (at(16, 18), at(17, 9)), (at(19, 20), at(23, 9))],  # the 20th is a holiday
)
def test_when_it_opens_next(now, opens):
    found = hours.next_open(Calendar(SP, OFFICE.spans, place="BR"), now)
    assert (found, found.tzinfo) == (opens, SP)


@given(moments)
def test_it_is_open_then_and_not_before(now):
    opens = hours.next_open(OFFICE, now)
    assert hours.is_open(OFFICE, opens)
    assert hours.between(OFFICE, now, opens) == timedelta(0)
