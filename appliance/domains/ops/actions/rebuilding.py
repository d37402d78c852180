"""A copy of the box from a backup: in a folder, and in a database file or a database of PostgreSQL."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine, create_engine, inspect, select

from appliance.core import canary, crypto, db
from appliance.core.blobs import Blobs
from appliance.core.i18n import lazy_gettext as _
from appliance.core.records import known_to
from appliance.core.stores import FolderStore
from appliance.core.tenancy import TenantKey, topic
from appliance.domains.identity import actions as identity
from appliance.domains.ops.actions import contents, keyfile
from appliance.domains.ops.actions.taking import CONTENTS_NAME, DUMPS, KEYS_NAME
from appliance.domains.ops.errors import BackupFailed, NoSuchBackup
from appliance.domains.ops.gateways import postgresql, sqlite
from appliance.domains.ops.rules import sets
from appliance.domains.ops.types import BackupSet, Contents, Erased, Found

if TYPE_CHECKING:
    from appliance.core.config import Settings
    from appliance.domains.ops.gateways.restic import Repository

DATABASE_FILE = "salesedge.db"
_SPARE = 64 * 2**20


def stage_at(home: Path) -> Path:
    """Where a restore makes the new box, before it takes the place of the old one."""
    return home / "restore-part"


def read_contents(repository: Repository, chosen: BackupSet) -> Contents:
    found = json.loads(repository.read(chosen.files, CONTENTS_NAME))
    return Contents(**{**known_to(Contents, found), "models": tuple(found["models"])})


def check_room(repository: Repository, snapshots: Sequence[str], folder: Path) -> None:
    """Raises BackupFailed when the copy would fill the disk."""
    needed = sum(map(repository.size, snapshots)) + _SPARE
    free = shutil.disk_usage(folder).free
    if needed > free:
        said = _("There is not enough room at %(path)s: %(needed)s MB are needed, %(free)s MB are free.")
        raise BackupFailed(said % {"path": folder, "needed": needed // 10**6, "free": free // 10**6})


def rebuild_sqlite(repository: Repository, chosen: BackupSet, settings: Settings, keys: crypto.Keyring, folder: Path) -> None:
    with repository.reading(chosen.database, DUMPS["sqlite"]) as stream:
        sqlite.load(stream, settings, keys.database_key, folder / DATABASE_FILE)


def rebuild_postgresql(repository: Repository, chosen: BackupSet, url: URL) -> None:
    with repository.reading(chosen.database, DUMPS["postgresql"]) as stream:
        postgresql.load(stream, url, replace=False, timeout_s=repository.timeout_s)


def read_keys(repository: Repository) -> bytes:
    """The tenants' wrapped keys, as they were with the newest whole backup. Raises NoSuchBackup."""
    newest = sets.newest_keys(repository.snapshots())
    if newest is None:
        raise NoSuchBackup
    return repository.read(newest.id, KEYS_NAME)


def complete(engine: Engine, keys: crypto.Keyring, wrapped: bytes, folder: Path, told: Contents) -> Found:
    """The copy with its keys, without organisations that were destroyed since; and what is in it then."""
    with engine.begin() as connection:
        keyfile.read_in(connection, wrapped)
    erased = _remove_erased(engine, folder)
    return look_at(engine, keys, folder, told, erased)


def look_at(engine: Engine, keys: crypto.Keyring, folder: Path, told: Contents, erased: Erased) -> Found:
    with engine.execution_options(read_only=True).begin() as connection:
        contents.see_all(connection)
        wrapped = {row.tenant_id: row.wrapped for row in connection.execute(select(TenantKey.tenant_id, TenantKey.wrapped))}
        theirs = keys.beside(wrapped.get)
        return contents.survey(connection, theirs, Blobs(FolderStore(folder / "blobs"), theirs), told, erased)


def _remove_erased(engine: Engine, folder: Path) -> Erased:
    """Organisations whose keys are not among those that came with the backup were destroyed since: nothing of them comes back."""
    with engine.begin() as connection:
        contents.see_all(connection)
        before = contents.count_rows(connection)
        gone = identity.remove_keyless(connection)
        left = contents.count_rows(connection)
    for tenant_id in gone:
        shutil.rmtree(folder / "blobs" / tenant_id.hex, ignore_errors=True)
        for path in (folder / "indexes").glob(f"{topic(tenant_id)}*"):
            path.unlink()
    return Erased(len(gone), {name: count - left[name] for name, count in before.items() if count != left[name]})


def remove_unnamed(engine: Engine, folder: Path) -> int:
    """Files that came after the copy of the database: nothing in it names them."""
    with engine.begin() as connection:
        contents.see_all(connection)
        named = {file_id.hex for _tenant, file_id in contents.stored_files(connection)}
    loose = [path for path in (folder / "blobs").glob("*/*/*") if path.name not in named]
    for path in loose:
        path.unlink()
    return len(loose)


@contextmanager
def opened(settings: Settings, keys: crypto.Keyring, where: Path | URL) -> Iterator[Engine]:
    if isinstance(where, Path):
        database = db.connect(settings, keys.database_key, url=f"sqlite:///{where / DATABASE_FILE}")
        try:
            yield database.engine
        finally:
            database.close()
        return
    engine = create_engine(where)
    canary.watch(engine, keys.database_key)
    try:
        yield engine
    finally:
        engine.dispose()


def has_data(engine: Engine) -> bool:
    """Whether an organisation lives there."""
    with engine.begin() as connection:
        contents.see_all(connection)
        there = TenantKey.__tablename__ in inspect(connection).get_table_names()
        return there and connection.scalar(select(TenantKey.tenant_id).limit(1)) is not None


def has_tables(engine: Engine) -> bool:
    with engine.begin() as connection:
        return bool(inspect(connection).get_table_names())
