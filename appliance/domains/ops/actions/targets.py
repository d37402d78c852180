"""Getting at a target: is it there, may the box call it, is it the one of this box."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.core import crypto, envelope
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import Outbound, note
from appliance.domains.ops.actions import chains
from appliance.domains.ops.actions.runs import leased
from appliance.domains.ops.errors import BackupFailed, NoRepository, NoSuchBackup, NoSuchTarget
from appliance.domains.ops.gateways import mounts
from appliance.domains.ops.gateways.restic import Repository
from appliance.domains.ops.rules import addresses, sets
from appliance.domains.ops.types import NEWEST, BackupSet, RunKind

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.config import Settings
    from appliance.core.storage import BackupTarget

LONGEST_S = 7 * 24 * 3600.0  # by hand: whoever waits may press Ctrl-C


def open_target(settings: Settings, keys: crypto.Keyring, name: str, *, timeout_s: float = LONGEST_S) -> Repository:
    """Raises NoSuchTarget, NotMounted, NotAllowed by the network mode, Unavailable. Calls nobody yet. `timeout_s`: for all."""
    check_named(settings, name)
    target = settings.backup.targets[name]
    place = addresses.place_of(target.repository)
    if place is None:
        said = _("“%(address)s” is no address for backups: name a folder, sftp:user@host:/folder, or s3:https://host/bucket.",
                 address=target.repository)  # fmt: skip
        raise BackupFailed(said)
    if not place.is_here:
        Outbound(settings.network).admit("backup", place.host, place.port)
        note("backup", place.host, "admitted", time.perf_counter())
    if target.mount_point is not None:
        mounts.check_mounted(target.mount_point, timeout_s=timeout_s)
    _check_files(target)
    return Repository(target, keys.backup_key, settings.home / "cache" / "restic", time.monotonic() + timeout_s)


def keys_at(settings: Settings) -> crypto.Keyring:
    """At the terminal; a box that is open has them, also when the file it took them from is another by now. Raises KeyUnreadable."""
    return crypto.Keyring(envelope.open_root(settings))


def check_named(settings: Settings, name: str) -> None:
    if name not in settings.backup.targets:
        raise NoSuchTarget(name)


def make_sure(repository: Repository, *, has_backups: bool) -> Repository:
    """Make the repository of a new target. Where backups were before, a missing one is an error: the disk is another, or not there."""
    if not repository.exists():
        if has_backups:
            raise NoRepository(_("There is no backup repository at %(place)s. Is the disk mounted?", place=repository.target.repository))
        repository.create()
    return repository


def check_target(settings: Settings, name: str, *, read_data: bool) -> None:
    """Raises BackupFailed when what the target holds is damaged."""
    repository = open_target(settings, keys_at(settings), name)
    repository.exists()
    repository.check(read_data=read_data)


def forget_backups(box: Box, name: str, *, timeout_s: float = LONGEST_S) -> list[str]:
    """As after every backup; not beside one, whose parts are not whole yet. Returns the sets that went. Raises AlreadyRunning."""
    check_named(box.settings, name)
    with leased(box, RunKind.FORGET, name):
        repository = open_target(box.settings, box.keys, name, timeout_s=timeout_s)
        return tidy(box, repository) if repository.exists() else []


def tidy(box: Box, repository: Repository) -> list[str]:
    """Lets go of what the rules of the configuration do not keep, of what is not whole, of keys that are not the newest."""
    rules, snapshots = box.settings.backup, repository.snapshots()
    whole = sets.whole_sets(snapshots)
    stay = sets.kept(whole, last=rules.keep_last, daily=rules.keep_daily, weekly=rules.keep_weekly, monthly=rules.keep_monthly)
    repository.forget([*sets.dispensable(snapshots, stay), *chains.left_behind(box, repository, snapshots)])
    return [one.id for one in whole if one.id not in stay]


def chosen(repository: Repository, set_id: str) -> BackupSet:
    """The newest, or the one whose id begins so. Raises NoSuchBackup."""
    found = sets.whole_sets(repository.snapshots())
    named = [one for one in found if set_id == NEWEST or one.id.startswith(set_id)]
    if not named or (set_id != NEWEST and len(named) > 1):
        raise NoSuchBackup
    return named[0]


def _check_files(target: BackupTarget) -> None:
    for path in (target.identity_file, target.known_hosts_file, target.credentials_file, target.ca_file):
        if path is not None and not Path(path).is_file():
            raise BackupFailed(_("The file %(path)s, which the target names, is not there.", path=path))

