"""What a target holds, and what of it opens no more under the keys that a restore would bring."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from appliance.core.errors import DomainError
from appliance.domains.ops.actions import keyfile, rebuilding, runs, targets
from appliance.domains.ops.rules import sets
from appliance.domains.ops.types import BackupSet, ListedSet

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from appliance.core.config import Settings
    from appliance.domains.ops.gateways.restic import Repository


def list_backups(settings: Settings, name: str) -> list[ListedSet]:
    """Newest first."""
    keys = targets.keys_at(settings)
    repository = targets.open_target(settings, keys, name)
    found = sets.whole_sets(repository.snapshots()) if repository.exists() else []
    if not found:
        return []
    wrapped = keyfile.wrapped_in(rebuilding.read_keys(repository))
    today, there = keys.oldest(wrapped), {tenant_id.hex for tenant_id in wrapped}
    return [_looked_at(repository, one, today, there) for one in found]


def _looked_at(repository: Repository, one: BackupSet, today: Mapping[str, int], there: Collection[str]) -> ListedSet:
    """One that is damaged is listed all the same: the others' ids are what a restore wants."""
    try:
        needed = rebuilding.read_contents(repository, one).generations
    except (DomainError, ValueError) as err:
        return ListedSet(**asdict(one), unreadable=runs.reason_of(err) if isinstance(err, DomainError) else str(err))
    return ListedSet(**asdict(one), rotated=sets.rotated_away(needed, today), erased=sets.erased(needed, there))
