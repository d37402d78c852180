"""To whom of a team the next conversation goes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seat:
    """`open`: conversations they have open now; `given_at`: when one was last dealt to them."""

    user_id: UUID
    is_present: bool
    open: int
    given_at: datetime | None


def next_of(seats: Iterable[Seat]) -> UUID | None:
    """Of those present who has the fewest, then who waited longest. None when nobody is there."""
    present = [seat for seat in seats if seat.is_present]
    if not present:
        return None
    return min(present, key=lambda seat: (seat.open, seat.given_at or _NEVER, seat.user_id)).user_id
