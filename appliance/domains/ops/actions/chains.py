"""What a box knows of its chain of journals, and a target of the last one that it holds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from appliance.core import clock, timekeeping
from appliance.core.envelope import replace_file
from appliance.core.records import known_to
from appliance.core.tenancy import KeyRotation, TenantKey
from appliance.domains.identity import queries as identity
from appliance.domains.ops.types import BASE, WAL, Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from appliance.core.box import Box
    from appliance.domains.ops.gateways.restic import Repository

SPOOL = "wal"
STATE = f"{SPOOL}/chain.json"


@dataclass(frozen=True)
class Keys:
    tenants: tuple[str, ...]
    destroyed: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """`reached`: up to when the journal was fetched. `gap`: when it began, if the one before broke. `alone`: nothing from before stays.

    `tenants`, `destroyed`: whose keys there are, and which went when, by rotation or erasure; with one gone it holds too much.
    `start`: the segment that its first base begins with; journal from before is not of this chain. `node`: of the machine that stores it.
    `taken_from`: the chain of the machine that stored before, until its slot is gone.
    `stored`, `stored_to`: up to when of what was fetched, and its last whole segment. `base_…`: of copies since the last that was stored.
    """

    id: str
    began_at: str
    database: str
    owner: str
    tenants: tuple[str, ...]
    destroyed: tuple[str, ...]
    start: str = ""
    reached: float = 0
    gap: str = ""
    alone: bool = False
    node: str = ""
    stored: float = 0
    stored_to: str = ""
    is_broken: bool = False
    base_tried: float = 0
    base_failures: int = 0
    base_error: str = ""
    taken_from: str = ""

    @property
    def slot(self) -> str:
        return slot_of(self.id)

    def holds_more_than(self, keys: Keys) -> bool:
        return not ({*self.tenants} <= {*keys.tenants} and {*keys.destroyed} <= {*self.destroyed})


def slot_of(chain_id: str) -> str:
    """PostgreSQL's name for what keeps the journal of this chain, and of no other machine's."""
    return f"salesedge_{chain_id}"


def keys_of(box: Box) -> Keys:
    ended = select(KeyRotation.tenant_id, KeyRotation.destroyed_at).where(KeyRotation.destroyed_at.is_not(None))
    with box.whole_box("archive", read_only=True) as uow:
        tenants = tuple(sorted(one.hex for one in uow.session.scalars(select(TenantKey.tenant_id))))
        gone = [(tenant_id.hex, moment) for tenant_id, moment in uow.session.execute(ended)]
        gone += identity.list_destroyed_keys(uow)  # one that came and went between two steps is in no list of those there are
        return Keys(tenants, tuple(sorted(f"{tenant_id} {moment}" for tenant_id, moment in gone)))


def read(home: Path) -> Chain | None:
    """None where there is none, or it cannot be read: another begins."""
    try:
        return _read(json.loads((home / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(home: Path, chain: Chain) -> None:
    replace_file(home / STATE, json.dumps(asdict(chain)).encode())


def last_in(repository: Repository, snapshots: Collection[Snapshot]) -> Chain | None:
    newest = max((one for one in snapshots if one.part == WAL), key=lambda one: one.number, default=None)
    return _read(json.loads(repository.read(newest.id, STATE))) if newest else None


def left_behind(box: Box, repository: Repository, snapshots: Collection[Snapshot]) -> list[str]:
    """In a target that was the one for journals: all, once a key in it was destroyed, or none of the days that count is left."""
    past = box.settings.backup.point_in_time
    current = box.settings.backup.targets.get(past.target)
    own = [one for one in snapshots if one.part in (BASE, WAL)]
    if not own or (current is not None and current.repository == repository.target.repository):
        return []
    last, limit = last_in(repository, own), (clock.now() - timedelta(days=past.days)).timestamp()
    is_young = last is not None and (last.reached >= limit or not timekeeping.check(box.settings).ok)
    is_kept = last is not None and is_young and not last.holds_more_than(keys_of(box))
    return [] if is_kept else [one.id for one in own]


def _read(told: dict[str, Any]) -> Chain:
    return Chain(**{**known_to(Chain, told), "tenants": tuple(told["tenants"]), "destroyed": tuple(told["destroyed"])})
