"""When guessing stops: counted per account, whether it exists or not, and per address."""

from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_ADDRESS = 60


@dataclass(frozen=True)
class Tally:
    failures: int
    since: datetime
    locked_until: datetime | None = None


def wait_of(tally: Tally, now: datetime) -> timedelta | None:
    """How long nobody may try; None when one may."""
    return tally.locked_until - now if tally.locked_until and tally.locked_until > now else None


def count(tally: Tally | None, now: datetime, *, limit: int) -> Tally:
    """One more attempt. The one that reaches the limit is still heard; those after it wait."""
    if tally is None or now - tally.since >= WINDOW:
        tally = Tally(0, now)
    failures = tally.failures + 1
    return Tally(failures, tally.since, now + LOCKED_FOR if failures >= limit else None)


def forgive(tally: Tally) -> Tally:
    """A success takes its own attempt back."""
    return Tally(max(tally.failures - 1, 0), tally.since, None)
