"""Time that counts: only while somebody works."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Weekday, ...] = get_args(Weekday)
LOOK_AHEAD = 1100  # days; who opens once a week still has room for a month of work
_DAY = timedelta(days=1)
_WEEK = 7 * 24 * 60  # minutes


@dataclass(frozen=True)
class Span:
    """`weekday` 0 is Monday. What closes no later than it opens runs past midnight."""

    weekday: int
    opens: time
    closes: time


def overlapping(spans: Sequence[Span]) -> list[int]:
    """The places of those that open before the one before them has closed, be it the evening before."""
    week = sorted((*_minutes(span), place) for place, span in enumerate(spans))
    again = [(opens + _WEEK, closes + _WEEK, place) for opens, closes, place in week[:1]]
    return [after[2] for before, after in pairwise([*week, *again]) if after[0] < before[1] and before[2] != after[2]]


def _minutes(span: Span) -> tuple[int, int]:
    """Since the week began."""
    midnight = span.weekday * _WEEK // 7
    opens, closes = (midnight + at.hour * 60 + at.minute for at in (span.opens, span.closes))
    return opens, closes if closes > opens else closes + _WEEK // 7


@dataclass(frozen=True)
class Calendar:
    """No spans: always open, but for the days off. `place`: where public holidays are days off too, `BR` or `BR-SP`."""

    zone: ZoneInfo
    spans: tuple[Span, ...] = ()
    days_off: frozenset[date] = frozenset()
    place: str = ""

    def is_off(self, day: date) -> bool:
        return day in self.days_off or (bool(self.place) and holidays_of(self.place)(day))


ALWAYS = Calendar(ZoneInfo("UTC"))


def is_open(calendar: Calendar, at: datetime) -> bool:
    return next_open(calendar, at) == at


def next_open(calendar: Calendar, at: datetime) -> datetime | None:
    """`at` itself while it is open, in the calendar's own time zone; None when it never opens."""
    opens = next((opens for opens, _closes in _stretches(calendar, at)), None)
    return opens and opens.astimezone(calendar.zone)


def after(calendar: Calendar, start: datetime, span: timedelta) -> datetime:
    """When that much working time has passed."""
    left = span
    for opens, closes in _stretches(calendar, start):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    return start + span  # nobody ever works: the clock on the wall


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much working time lies between them; none when the end comes first."""
    found = timedelta(0)
    for opens, closes in _stretches(calendar, start):
        if opens >= end:
            break
        found += min(closes, end) - opens
    return found


def _stretches(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From `start` on, in order and never over each other, in UTC."""
    at = start.astimezone(UTC)
    first = start.astimezone(calendar.zone).date() - _DAY  # last night's span may still be open
    for day in (first + _DAY * ahead for ahead in range(LOOK_AHEAD)):
        if calendar.is_off(day):
            continue
        for opens, closes in _spans_of(calendar, day):
            if closes > at:
                at = max(opens, at)
                yield at, closes
                at = closes


def _spans_of(calendar: Calendar, day: date) -> list[tuple[datetime, datetime]]:
    whole = Span(day.weekday(), time.min, time.min)
    spans = [span for span in calendar.spans if span.weekday == day.weekday()] if calendar.spans else [whole]
    return sorted((_at(calendar, day, span.opens), _at(calendar, _last_day(day, span), span.closes)) for span in spans)


def _last_day(day: date, span: Span) -> date:
    return day if span.opens < span.closes else day + _DAY


def _at(calendar: Calendar, day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, calendar.zone).astimezone(UTC)


@lru_cache(maxsize=64)
def holidays_of(place: str) -> Callable[[date], bool]:
    """Of a country or of a part of it: `BR`, `BR-SP`. Raises LookupError for a place that nobody knows."""
    from holidays import country_holidays  # noqa: PLC0415 - a sixth of a second that only boxes with holidays pay

    country, _dash, part = place.partition("-")
    try:
        return country_holidays(country, subdiv=part or None).__contains__
    except NotImplementedError as err:  # the library's word for a place that it lacks
        raise LookupError(place) from err
