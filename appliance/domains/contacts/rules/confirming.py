"""A yes that somebody typed, until the owner of the mailbox confirms it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from appliance.domains.contacts.types import Awaiting

OPEN_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=30)
PAUSE = timedelta(hours=1)
_MOST = {timedelta(days=1): 3, KEPT_FOR: 6}
MOST_AN_HOUR, MOST_A_DAY = 60, 500  # of one mailbox, whomever it asks


def may_ask(asked: Sequence[datetime], now: datetime) -> bool:
    """Whoever fills in a form may name anybody: nobody is written to again and again for it. `asked`: when this person was."""
    too_many = any(sum(moment > now - span for moment in asked) >= most for span, most in _MOST.items())
    return not too_many and all(moment <= now - PAUSE for moment in asked)


def is_spent(asked: Sequence[datetime]) -> bool:
    """`asked`: when a mailbox was to ask somebody, within a day."""
    return len(asked) >= MOST_A_DAY


def turn_of(asked: Sequence[datetime], now: datetime) -> datetime:
    """When the mailbox may ask the next one. `asked`: the moments before, oldest first; each of them had to wait its turn as well."""
    turns: list[datetime] = []
    for moment in (*asked, now):
        turns.append(moment if len(turns) < MOST_AN_HOUR else max(moment, turns[-MOST_AN_HOUR] + timedelta(hours=1)))
    return turns[-1]


def standing(*, confirmed_at: datetime | None, expires_at: datetime, now: datetime) -> Awaiting:
    if confirmed_at is not None:
        return Awaiting.CONFIRMED
    return Awaiting.OPEN if now < expires_at else Awaiting.OVER
