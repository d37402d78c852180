"""When the next backup is due, and whether the last one is too old."""

from datetime import datetime, timedelta

FIRST_RETRY = timedelta(minutes=15)
_SLACK = timedelta(minutes=5)


def latest(now: datetime) -> datetime:
    """What bears a later moment was dated by a clock that was wrong."""
    return now + _SLACK


def next_try(*, every: timedelta, last_begun: datetime | None, failures: int, now: datetime) -> datetime:
    """After a failure sooner than planned, then less and less often; `failures`: how many since the last success."""
    if last_begun is None or last_begun > latest(now):
        return now
    wait = every if not failures else min(every, FIRST_RETRY * 2 ** min(failures - 1, 16))
    return last_begun + wait


def share_of_turn(left_s: float, whole_s: float, *, has_journal: bool) -> float | None:
    """Seconds that one backup may take; None leaves it to another turn. A fifth is the journal's, which goes last."""
    share = left_s - (whole_s / 5 if has_journal else 0)
    return share if share >= whole_s / 2 else None


def is_overdue(last_good: datetime | None, rpo: timedelta, now: datetime) -> bool:
    return last_good is None or last_good > latest(now) or now - last_good > rpo
