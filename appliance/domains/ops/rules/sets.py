"""Which snapshots make whole backups, and which may go."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from appliance.domains.ops.types import DATABASE, FILES, KEYS, UNREAD, WAL, BackupSet, Snapshot

_PERIODS: tuple[Callable[[datetime], object], ...] = (
    lambda at: at.date(), lambda at: at.isocalendar()[:2], lambda at: (at.year, at.month),
)  # fmt: skip


def whole_sets(snapshots: Iterable[Snapshot]) -> list[BackupSet]:
    """Newest first. A set is whole once its files are there: they are taken last."""
    parts: dict[str, dict[str, Snapshot]] = {}
    for snapshot in snapshots:
        if snapshot.part in (DATABASE, FILES):
            parts.setdefault(snapshot.set_id, {})[snapshot.part] = snapshot
    found = [
        BackupSet(set_id, of[FILES].taken_at, of[DATABASE].id, of[FILES].id, of[FILES].number)
        for set_id, of in parts.items()
        if DATABASE in of and FILES in of
    ]
    return sorted(found, key=_age, reverse=True)


def kept(sets: Collection[BackupSet], *, last: int, daily: int, weekly: int, monthly: int) -> set[str]:
    """Ids: the last ones, and of the last so many days, weeks and months that have a backup the newest each."""
    stay = {one.id for one in list(sets)[:last]}
    for number, period in zip((daily, weekly, monthly), _PERIODS, strict=True):
        newest: dict[object, str] = {}
        for one in sets:  # newest first
            newest.setdefault(period(one.taken_at), one.id)
        stay |= set(list(newest.values())[:number])
    return stay


def next_number(snapshots: Iterable[Snapshot]) -> int:
    return max((one.number for one in snapshots), default=0) + 1


def last_keys(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """Also those of a backup that did not get any further."""
    return max((one for one in snapshots if one.part == KEYS), key=_age, default=None)


def newest_keys(snapshots: Collection[Snapshot]) -> Snapshot | None:
    """Those of the newest whole backup or journal. Later ones may lack a key that every whole backup needs."""
    whole = [one.number for one in whole_sets(snapshots)] + [one.number for one in snapshots if one.part == WAL]
    newest = max(whole, default=-1)
    return last_keys(one for one in snapshots if one.number <= newest)


def dispensable(snapshots: Collection[Snapshot], stay: Collection[str]) -> list[str]:
    """Ids of what belongs to no whole set that stays, and of all keys but the newest."""
    whole = {one.id for one in whole_sets(snapshots)} & set(stay)
    keys = newest_keys(snapshots)
    parts = [one for one in snapshots if one.part == UNREAD or (one.part in (DATABASE, FILES) and one.set_id not in whole)]
    return [one.id for one in (*parts, *(one for one in snapshots if one.part == KEYS and one != keys))]


def rotated_away(needed: Mapping[str, int], today: Mapping[str, int]) -> tuple[str, ...]:
    """Organisations whose oldest key of today is newer than the one that a backup needs."""
    return tuple(sorted(one for one, generation in needed.items() if today.get(one, generation) > generation))


def erased(needed: Mapping[str, int], there: Collection[str]) -> tuple[str, ...]:
    """Those without keys; one whose keys do not open is none of them."""
    return tuple(sorted({*needed} - {*there}))


def _age(one: Snapshot | BackupSet) -> tuple[int, datetime, str]:
    """The clock may have been wrong; where it was, only the number says which came first."""
    return one.number, one.taken_at, one.id
