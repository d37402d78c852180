"""When an agent answers: after the contact has finished writing, once for all that was written."""

from datetime import datetime, timedelta

LONGEST_WAIT = 4  # times the debounce: whoever never stops writing is answered in between
BURST = timedelta(minutes=10)


def is_turn(*, newest: int, due: int, oldest_at: datetime, now: datetime, debounce_ms: int) -> bool:
    """Whether to answer now: nothing came after the message that set this off, or the first has waited long enough."""
    return newest <= due or now - oldest_at >= timedelta(milliseconds=debounce_ms * LONGEST_WAIT)
