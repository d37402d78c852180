"""Which bases and journals a restore to a time takes, and which may go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, pairwise, takewhile

from appliance.domains.ops.types import BASE, WAL, Snapshot

STEP_AT_MOST_S = 3600.0  # what passes between two of them; more may be a clock that leapt


@dataclass(frozen=True)
class Way:
    """From a base over the journals behind it, the last of which tells what was at the wanted time; `before`: the journal before that."""

    base: Snapshot
    journals: Sequence[Snapshot]
    before: Snapshot | None


def way_to(snapshots: Collection[Snapshot], moment: float) -> Way | None:
    """None when no chain reaches that time, or on the way the server's clock was put back: PostgreSQL goes by what it said."""
    for base in sorted((one for one in snapshots if one.part == BASE and one.moment <= moment), key=_number, reverse=True):
        journals = _clear(journals_behind(snapshots, base))
        last = next((place for place, one in enumerate(journals) if one.moment >= moment), None)
        if last is not None:
            earlier = [one for one in snapshots if one.part == WAL and one.number < journals[last].number]
            return Way(base, journals[: last + 1], max(earlier, key=_number, default=None))
    return None


def journals_behind(snapshots: Collection[Snapshot], base: Snapshot) -> list[Snapshot]:
    """In their order."""
    return sorted((one for one in snapshots if one.part == WAL and one.chain == base.chain and one.number > base.number), key=_number)


def clear(snapshots: Collection[Snapshot]) -> list[tuple[float, float]]:
    """Every time that can be named, as spans from the earliest to the latest."""
    spans: list[tuple[float, float]] = []
    for base in (one for one in snapshots if one.part == BASE):
        journals = _clear(journals_behind(snapshots, base))
        spans += [(base.moment, journals[-1].moment)] if journals and journals[-1].moment >= base.moment else []
    found: list[tuple[float, float]] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(until, found[-1][1])
        else:
            found.append((since, until))
    return found


def needed(journals: Sequence[Snapshot]) -> list[Snapshot]:
    """Of those that begin with the same piece the last holds what the others do."""
    behind: list[Snapshot | None] = [*journals[1:], None]
    return [one for one, later in zip(journals, behind, strict=True) if later is None or not one.begins or later.begins != one.begins]


def wants_base(snapshots: Collection[Snapshot], *, chain: str, every: timedelta) -> bool:
    """Whether the newest base of the chain is old, or the clock was put back since: no time behind such a one can be named."""
    bases = [one for one in snapshots if one.part == BASE and one.chain == chain]
    if not bases:
        return True
    told = [newest := max(bases, key=_number), *journals_behind(snapshots, newest)]
    return len(_clear(told)) < len(told) or told[-1].moment - newest.moment > every.total_seconds()


def outlived(snapshots: Collection[Snapshot], *, chain: str, days: int, only_chain: bool) -> list[str]:
    """Ids. The newest base from before the days that count stays, with all behind it. `only_chain`: nothing of earlier ones stays.

    What passed is counted from each to the next: a clock that leaps ahead lets go of nothing.
    """
    bases = sorted((one for one in snapshots if one.part == BASE and (one.chain == chain or not only_chain)), key=_number)
    old = [one for one in bases if _passed(snapshots, one) >= days * 86400 and journals_behind(snapshots, one)]
    first = old[-1].number if old else (bases[0].number if bases else -1)
    return [
        one.id
        for one in snapshots
        if one.part in (BASE, WAL) and (one.number < first or (only_chain and one.chain != chain))
    ]  # fmt: skip


def _passed(snapshots: Collection[Snapshot], since: Snapshot) -> float:
    """Seconds from it to the last, whatever the clock was put to on the way."""
    told = sorted((one for one in snapshots if one.part in (BASE, WAL) and one.number >= since.number), key=_number)
    return sum(min(max(later.moment - one.moment, 0), STEP_AT_MOST_S) for one, later in pairwise(told))


def _clear(told: Sequence[Snapshot]) -> list[Snapshot]:
    """Up to the first with a later moment than one behind it: PostgreSQL would stop there for a time that comes after."""
    lowest = [*accumulate((one.moment for one in reversed(told)), min)][::-1]
    return [one for one, _least in takewhile(lambda pair: pair[0].moment <= pair[1], zip(told, lowest, strict=True))]


def _number(one: Snapshot) -> int:
    return one.number
