from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

DATABASE, KEYS, FILES = "database", "keys", "files"  # the parts of a backup; the keys are kept once, not once a backup
BASE, WAL = "base", "wal"  # of point-in-time recovery: PostgreSQL's files, and its journal with the box's files beside
UNREAD = "unread"  # what is to be the files' part, until all of them were read
NEWEST = "latest"


class RunKind(StrEnum):
    BACKUP = "backup"
    DRILL = "drill"
    FORGET = "forget"
    ARCHIVE = "archive"  # of point-in-time recovery; of those only the last good and the last bad one are kept


class RunState(StrEnum):
    WAITING = "waiting"  # asked for by a person
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # whoever ran it is gone


@dataclass(frozen=True)
class Snapshot:
    """One of restic's. `digest`: of the keys, to tell whether they changed. `number` goes up from backup to backup; no clock does that.

    `moment` of a base: unix seconds when it was whole; of a journal: up to when it tells all. Journals apply to a base of their `chain`.
    `begins`: the first segment in a journal.
    """

    id: str
    part: str
    set_id: str
    digest: str
    taken_at: datetime
    number: int = 0
    chain: str = ""
    moment: float = 0
    begins: str = ""


@dataclass(frozen=True)
class BackupSet:
    """A whole backup: the snapshots that were taken together."""

    id: str
    taken_at: datetime
    database: str
    files: str
    number: int = 0


@dataclass(frozen=True)
class ListedSet(BackupSet):
    """Organisations of it, by id: what `rotated` had does not open, as their key of then is destroyed; `erased` a restore leaves out."""

    rotated: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    unreadable: str = ""  # why nothing is known of it


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself: rows by table, files that its database names, and how many of those were not there.

    `generations`: by organisation the oldest of its keys that all of its data need.
    """

    release: str
    database: str
    taken_at: str
    rows: dict[str, int]
    files: int
    missing: int
    models: tuple[str, ...] = ()
    generations: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """`processed` and `added` in bytes: what was read, and what the target grew by."""

    set_id: str
    contents: Contents
    processed: int
    added: int


@dataclass(frozen=True)
class Erased:
    """What was removed from a copy: how many organisations without a key, and their rows by table."""

    organisations: int = 0
    rows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What is in a restored copy: rows by table, files by state, what was opened as a sample.

    `erased`: organisations whose keys were destroyed since the backup; they and their `erased_rows` were removed from the copy.
    """

    rows: dict[str, int]
    files: int
    absent: int
    opened_values: int
    opened_files: int
    unreadable: int = 0
    differing: tuple[str, ...] = ()
    erased: int = 0
    erased_rows: int = 0

    @property
    def is_whole(self) -> bool:
        return not (self.absent or self.unreadable or self.differing)


@dataclass(frozen=True)
class Restored:
    set_id: str
    taken_at: datetime
    seconds: float
    found: Found
    contents: Contents
    aside: str = ""
    removed: int = 0


@dataclass(frozen=True)
class Run:
    """One backup or drill as people see it; sizes in bytes."""

    id: UUID
    kind: RunKind
    target: str
    state: RunState
    begun_at: datetime
    seconds: int | None
    processed: int | None
    added: int | None
    rows: int | None
    files: int | None
    error: str
    has_receipt: bool
    rotated: int = 0  # organisations as in `ListedSet`
    erased: int = 0


@dataclass(frozen=True)
class TargetStatus:
    """Of one target: its last good backup and drill, the run that goes on, the last error and when the box tries again."""

    name: str
    repository: str
    last_good: datetime | None
    rpo_s: float | None
    is_overdue: bool
    running: bool
    last_error: str
    next_at: datetime
    last_drill: datetime | None
    rto_s: float | None
    receipt: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ArchiveStatus:
    """A restore can name any time from `since` to `reaches`, but for what lies before `gap`, when the chain of journals began anew.

    `failures`: of copies of the cluster, since the last that was stored.
    """

    target: str
    since: datetime | None
    reaches: datetime | None
    gap: datetime | None
    last_error: str
    is_late: bool
    failures: int = 0
