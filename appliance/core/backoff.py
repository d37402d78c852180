"""How long whoever met with an outage waits before the next try."""

import secrets
from datetime import timedelta

FIRST_S = (1.0, 5.0, 30.0)
MINUTE_S = 60.0
HOUR = timedelta(hours=1)


def chance() -> float:
    """0 to 1."""
    return secrets.randbelow(1000) / 1000


def back_off(attempts: int, *, chance: float, longest: timedelta = HOUR, retry_after: float | None = None) -> timedelta:
    """1 s, 5 s, 30 s, then 1 min, doubling to `longest`; a provider's own Retry-After (an hour at most) wins when it is longer.

    `chance`: 0 to 1, for half to one and a half times that: what failed together does not come back together.
    """
    minutes = attempts - len(FIRST_S)
    usual_s = MINUTE_S * (1 << min(minutes - 1, 20)) if minutes > 0 else FIRST_S[max(attempts, 1) - 1]
    asked = min(timedelta(seconds=retry_after or 0), HOUR)
    return max(min(timedelta(seconds=usual_s), longest) * (0.5 + chance), asked)
