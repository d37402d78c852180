"""How fast a channel may speak, and when it stops trying for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.core.backoff import HOUR, back_off

FAILURES_TO_PAUSE = 5
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)
WORTH_WAITING = timedelta(seconds=1)
HOURS_AWAY = HOUR  # a later try is never put off for longer
MAX_ATTEMPTS = 10
GIVE_UP_AFTER = timedelta(hours=12)  # of trying: a line that is down for a night loses nothing
LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True)
class Slot:
    at: datetime
    next_at: datetime


def wait_of(attempts: int, *, chance: float, retry_after: float | None = None) -> timedelta:
    """Before the next try. Short, so that all is on its way soon after the line is back; a provider that says when has the say."""
    return back_off(attempts, chance=chance, longest=LONGEST_WAIT, retry_after=retry_after)


def is_hopeless(attempts: int, waited: timedelta) -> bool:
    return attempts >= MAX_ATTEMPTS and waited >= GIVE_UP_AFTER


def next_slot(*, free_at: datetime | None, per_second: float, now: datetime) -> Slot:
    """The moment this message may leave and the moment the following one may (a leaky bucket without burst)."""
    at = max(now, free_at or now)
    return Slot(at, at + timedelta(seconds=1 / per_second))


def pause_after(failures: int, now: datetime) -> datetime | None:
    """Until when a channel rests after so many failures in a row; None while it may go on."""
    if failures < FAILURES_TO_PAUSE:
        return None
    doublings = min(failures - FAILURES_TO_PAUSE, 10)
    return now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
