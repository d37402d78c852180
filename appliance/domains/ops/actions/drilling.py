"""A restore drill: the newest backup restored beside the box, counted, opened, and thrown away; what was found is signed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

from appliance import __version__
from appliance.core import clock, guard, signing
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.actions import rebuilding, targets
from appliance.domains.ops.actions.runs import at_rest, leased
from appliance.domains.ops.errors import BackupFailed, WrongReceipt
from appliance.domains.ops.gateways import postgresql
from appliance.domains.ops.types import NEWEST, BackupSet, Contents, Found, RunKind

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.config import Settings
    from appliance.domains.ops.gateways.restic import Repository

SCRATCH = "drill"
RECEIPT = "salesedge-drill-receipt/1"


def drill(box: Box, target: str, *, timeout_s: float = targets.LONGEST_S) -> dict[str, Any]:
    """The signed receipt. Raises BackupFailed when the backup does not hold; the receipt is kept with the run either way."""
    guard.check_no_open_unit("drill")
    targets.check_named(box.settings, target)
    with leased(box, RunKind.DRILL, target) as kept:
        repository = targets.open_target(box.settings, box.keys, target, timeout_s=timeout_s)
        began, clock_began = clock.now(), time.monotonic()
        chosen = targets.chosen(repository, NEWEST)
        told = rebuilding.read_contents(repository, chosen)
        found, restored_s = _rebuild_beside(box, repository, chosen, told)
        facts = {
            "target": target, "backup": chosen.id, "backup_taken_at": told.taken_at, "backup_release": told.release, "release": __version__,
            "drilled_at": began.isoformat(), "restore_seconds": round(restored_s, 1), "seconds": round(time.monotonic() - clock_began, 1),
            "database": told.database, "result": "passed" if found.is_whole else "failed", "rows": found.rows, "files": found.files,
            "files_absent": found.absent, "files_missing_at_backup": told.missing, "opened_values": found.opened_values,
            "opened_files": found.opened_files, "unreadable": found.unreadable, "differing_tables": list(found.differing),
            "erased_organisations": found.erased, "erased_rows": found.erased_rows,
        }  # fmt: skip
        receipt = signing.sign_document(box.keys.receipt_key, RECEIPT, facts)
        kept.update(receipt=receipt, set_id=chosen.id, row_count=sum(found.rows.values()), file_count=found.files)
        if not found.is_whole:
            raise BackupFailed(_("The backup does not hold: files or rows are missing, or do not open. The receipt says which."))
    return receipt


def verify_receipt(receipt: Mapping[str, Any], public_key: str) -> None:
    """Raises WrongReceipt when it is not this box's, or was altered."""
    if not signing.is_genuine(receipt, RECEIPT, public_key):
        raise WrongReceipt(_("This receipt was not signed by this box, or it was altered."))


def public_key(settings: Settings) -> str:
    return signing.public_key_of(targets.keys_at(settings).receipt_key)


def sweep_scratch(box: Box) -> None:
    """What a drill left that was killed, or a restore: nothing of one that somebody begins just now."""
    home = box.settings.home
    gone = home / f"{SCRATCH}-gone"
    with at_rest(box) as nobody_drills:
        if nobody_drills and box.settings.database.url:
            postgresql.drop_scratch(postgresql.owner_url(box.settings))
        if nobody_drills and (home / SCRATCH).is_dir() and not gone.exists():
            (home / SCRATCH).rename(gone)  # at once: who writes to the database waits
    shutil.rmtree(gone, ignore_errors=True)
    shutil.rmtree(rebuilding.stage_at(home), ignore_errors=True)  # a box that works is not being restored


def _rebuild_beside(box: Box, repository: Repository, chosen: BackupSet, told: Contents) -> tuple[Found, float]:
    """What is in the copy, and the seconds it took to make."""
    began, settings = time.monotonic(), box.settings
    wrapped = rebuilding.read_keys(repository)
    with _folder(settings) as folder, _place(settings, told, folder) as where:
        rebuilding.check_room(repository, [chosen.files, chosen.database], folder)
        repository.restore_folder(chosen.files, folder)
        if isinstance(where, Path):
            rebuilding.rebuild_sqlite(repository, chosen, settings, box.keys, folder)
        else:
            rebuilding.rebuild_postgresql(repository, chosen, where)
        with rebuilding.opened(settings, box.keys, where) as engine:
            took = time.monotonic() - began
            return rebuilding.complete(engine, box.keys, wrapped, folder, told), took


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    folder = settings.home / SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _place(settings: Settings, told: Contents, folder: Path) -> Any:
    """Where its database goes: a folder's file or a database of its own."""
    if told.database == "sqlite":
        return nullcontext(folder)
    url: URL = postgresql.owner_url(settings)
    return postgresql.scratch_database(url)
