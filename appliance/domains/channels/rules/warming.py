"""A person's pace for a linked number: slow while the link is young, never regular, and only so many a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

# days since linking -> messages a day, seconds between two
_STEPS = ((0, 30, 6.0), (2, 60, 5.0), (5, 120, 4.0), (10, 250, 3.0), (20, 500, 2.5), (40, 1000, 2.0))
WARM_DAYS = _STEPS[-1][0]
MORNING = time(11, 0)  # UTC


@dataclass(frozen=True)
class Pace:
    per_day: int
    spacing_s: float
    warm: bool


def pace_of(age: timedelta, daily_limit: int = 0) -> Pace:
    """`daily_limit` of the organisation may only lower ours; 0 is none."""
    _, per_day, spacing = next(step for step in reversed(_STEPS) if step[0] <= max(age.days, 0))
    return Pace(min(per_day, daily_limit) if daily_limit else per_day, spacing, age.days >= WARM_DAYS)


def next_turn(
    pace: Pace, *, taken_on: Callable[[date], int], free_at: datetime | None, now: datetime, chance: float
) -> tuple[datetime, datetime]:
    """When this message may leave and, after a random while, the next one. Beyond a day's number: in the morning of the first day that
    has a turn left. `taken_on`: how many turns of a day are given out.
    """
    at = max(now, free_at or now)
    while taken_on(at.date()) >= pace.per_day:
        at = datetime.combine(at.date() + timedelta(days=1), MORNING, tzinfo=at.tzinfo)
    return at, at + timedelta(seconds=pace.spacing_s * (0.5 + chance))
