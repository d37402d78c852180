"""What customers are promised: an answer, and an end, within so much working time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from appliance.core import working_hours
from appliance.core.working_hours import Calendar
from appliance.domains.conversations.types import Priority, PromiseEnd, PromiseKind

NEAR = 0.75  # of the time has passed
REPLIES = frozenset({PromiseKind.FIRST_REPLY, PromiseKind.NEXT_REPLY})
_BY_URGENCY = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT)
# why the bot gave it up, where that says how urgent it is
_URGENT = {"emergency": Priority.URGENT, "complaint": Priority.HIGH, "negative": Priority.HIGH, "privacy": Priority.HIGH}


@dataclass(frozen=True)
class Scope:
    """For whom a policy speaks; None for all."""

    id: UUID
    channel_id: UUID | None
    team_id: UUID | None


@dataclass(frozen=True)
class Times:
    warn_at: datetime
    due_at: datetime


def times(calendar: Calendar, start: datetime, left: timedelta, whole: timedelta) -> Times:
    """With `left` of `whole` still to go at `start`."""
    due_at = working_hours.after(calendar, start, left)
    return Times(working_hours.after(calendar, start, max(left - whole * (1 - NEAR), timedelta(0))), due_at)


def choose(scopes: Iterable[Scope], *, channel_id: UUID, team_id: UUID | None) -> UUID | None:
    """The one that speaks most closely of this: of the team, then of the channel, then of all."""
    fitting = [one for one in scopes if one.channel_id in {None, channel_id} and one.team_id in {None, team_id}]
    return max(fitting, key=lambda one: (one.team_id is not None, one.channel_id is not None, one.id)).id if fitting else None


def wanted(targets: Mapping[PromiseKind, int | None], running: Collection[PromiseKind], *, is_taken: bool) -> dict[PromiseKind, int]:
    """What is promised from now on to who waits, in minutes: an answer unless one is promised already, and an end."""
    reply = PromiseKind.NEXT_REPLY if is_taken else PromiseKind.FIRST_REPLY
    kinds = [*([] if REPLIES & set(running) else [reply]), *({PromiseKind.RESOLUTION} - set(running))]
    return {kind: minutes for kind in kinds if (minutes := targets.get(kind)) is not None}


def verdict(due_at: datetime | None, at: datetime, *, is_kept: bool) -> PromiseEnd:
    """What came late was missed, also when it had come to nothing."""
    if due_at is not None and at > due_at:
        return PromiseEnd.MISSED
    return PromiseEnd.MET if is_kept else PromiseEnd.DROPPED


def raised(priority: Priority, reason: str) -> Priority:
    """Why a person is called may make it more urgent, never less."""
    return max(priority, _URGENT.get(reason, priority), key=_BY_URGENCY.index)


def whom_to_tell(
    *, assignee_id: UUID | None, team: Collection[UUID], managers: Collection[UUID], is_missed: bool
) -> frozenset[UUID]:
    """Whose it is, else the team, else the managers; of what was missed also the team's managers, else all of them."""
    heads = frozenset(managers) & frozenset(team) or frozenset(managers)
    owing = frozenset({assignee_id} if assignee_id else team) or heads
    return owing | heads if is_missed else owing
