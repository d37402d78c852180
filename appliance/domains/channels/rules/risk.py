"""How likely WhatsApp is to block a linked number, from what is known here. A rule of thumb, told with its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.domains.channels.types import Factor

WARN, BAD = 34, 67  # of 100
MOST = 100


_WEIGHTS = {Factor.AGE: 0.2, Factor.VOLUME: 0.3, Factor.REPLIES: 0.25, Factor.REFUSALS: 0.15, Factor.RECONNECTS: 0.1}
_YOUNG_DAYS = 40
_FEW_REPLIES = 0.5  # answers received for each message sent
_MANY_REFUSALS, _MANY_RECONNECTS, _ENOUGH_SENT = 5, 10, 10


@dataclass(frozen=True)
class Week:
    """What a number did in seven days, and today. `age_days`: since it was linked; `left_out`: messages of groups."""

    age_days: int
    sent_today: int
    per_day: int
    sent: int
    received: int
    refused: int
    reconnects_today: int
    left_out: int = 0


@dataclass(frozen=True)
class Reading:
    factor: Factor
    score: int

    @property
    def level(self) -> str:
        return level_of(self.score)


def level_of(score: int) -> str:
    return "ok" if score < WARN else "warn" if score < BAD else "bad"


def readings(week: Week) -> list[Reading]:
    """Each 0 (harmless) to 100."""
    replies = week.received / week.sent if week.sent else 1.0
    shares = {
        Factor.AGE: 1 - week.age_days / _YOUNG_DAYS,
        Factor.VOLUME: week.sent_today / week.per_day if week.per_day else 1.0,
        Factor.REPLIES: 1 - replies / _FEW_REPLIES if week.sent >= _ENOUGH_SENT else 0.0,
        Factor.REFUSALS: week.refused / _MANY_REFUSALS,
        Factor.RECONNECTS: week.reconnects_today / _MANY_RECONNECTS,
    }
    return [Reading(factor, round(MOST * min(max(share, 0.0), 1.0))) for factor, share in shares.items()]


def total(read: Sequence[Reading]) -> int:
    """One bad factor is not averaged away: the worst one counts half."""
    weighted = sum(_WEIGHTS[one.factor] * one.score for one in read)
    return round(max(weighted, max(one.score for one in read) / 2))


def advice(read: Sequence[Reading]) -> list[Factor]:
    """What to act on, worst first."""
    return [one.factor for one in sorted(read, key=lambda one: -one.score) if one.score >= WARN]
