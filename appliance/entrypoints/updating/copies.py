"""What an update does with the data, in a process of the box's own user: `python -m appliance.entrypoints.updating.copies VERB`.

`rehearse` is run by the new release, on a copy of the data; `keep`, `put-back` and `forget` move the copy from which an update is undone;
`check-kept` and `hold` are asked before a person goes back to it later. A copy of the embedded database is encrypted as it is; one of
PostgreSQL is a database beside. A sentence and exit code 1 when it failed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, ColumnElement, Connection, Engine, Row, create_engine, delete, inspect, make_url, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import clock, crypto, db, envelope, migrate, updates
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext, told
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.tenancy import TenantKey
from appliance.domains.channels.tables import Mailbox
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import Tenant
from appliance.domains.identity.types import TenantStatus
from appliance.domains.knowledge import actions as knowledge
from appliance.domains.ops.actions import contents, rebuilding
from appliance.domains.ops.errors import BackupFailed
from appliance.domains.ops.gateways import postgresql
from appliance.domains.ops.types import Contents, Erased
from appliance.entrypoints import up
from appliance.entrypoints.terminal import Failed, read_settings, speak_as_the_terminal, taken
from appliance.entrypoints.updating import databases
from appliance.entrypoints.updating.databases import BEFORE, REHEARSAL, UNDONE

if TYPE_CHECKING:
    from appliance.core.config import Settings

LONGEST_S = 24 * 3600.0
SERVERS_FOLDER = "/var/lib/postgresql"
_IS_SUSPENDED = Tenant.status == TenantStatus.SUSPENDED


def rehearse(settings: Settings) -> dict[str, Any]:
    """The migrations on a copy of the data, and whether what comes out of it is whole. The copy is gone afterwards."""
    keys = _keys(settings)
    forget(settings, REHEARSAL)
    try:
        where = _copy_alive(settings, keys)
        beside = settings.database.model_copy(update={"url": _address(where), "owner_url": _address(where)})
        with rebuilding.opened(settings, keys, where) as engine:
            before = _revision(engine)
        migrate.upgrade(settings.model_copy(update={"database": beside}), keys)
        with rebuilding.opened(settings, keys, where) as engine:
            _check_whole(settings, keys, engine)
            return {"migrates": _revision(engine) != before}
    finally:
        forget(settings, REHEARSAL)


@contextmanager
def _standing_still(settings: Settings) -> Iterator[None]:
    """No process of the box is at work, whoever supervises it, and no command. Raises Failed."""
    try:
        up.make_folders(settings)
        lock = up.take_lock(settings, fcntl.LOCK_EX, for_update=True)
    except up.CannotStart as err:
        raise Failed(str(err)) from err
    with lock, taken(settings, fcntl.LOCK_EX, up.GONE_S) as is_taken:
        if not is_taken:
            raise _commanded(settings)
        yield


def _commanded(settings: Settings) -> Failed:
    return Failed(_("A command of SalesEdge works on %(path)s. Wait until it has ended.", path=settings.home))


def keep(settings: Settings) -> dict[str, Any]:
    with _standing_still(settings):
        forget(settings, BEFORE)
        if _is_embedded(settings):
            _copy_file(settings, _file(settings), settings.home / BEFORE / rebuilding.DATABASE_FILE)
        else:
            url = postgresql.owner_url(settings)
            with databases.administering(url) as connection:
                postgresql.end_others(connection, url.database)
                databases.say(connection, "CREATE DATABASE %(to)s TEMPLATE %(name)s", name=url.database, to=databases.beside(url, BEFORE))
                databases.copy_rights(connection, url)
    return {}


def check_kept(settings: Settings) -> dict[str, Any]:
    """Nobody who was erased comes back with the kept copy, and no key that was given up. Raises Failed."""
    with taken(settings, fcntl.LOCK_EX) as is_taken:
        if not is_taken:
            raise _commanded(settings)
    if not _is_kept(settings):
        raise Failed(_("The data from before the update are not kept any more. Install the release before and restore a backup."))
    if not _has_same_keys(settings):
        raise Failed(_("Keys of organisations changed since the update, or one was erased: what was before does not come back."))
    return {}


def hold(settings: Settings) -> dict[str, Any]:
    """What the kept copy still owes and was due may have been done since, as a message that was sent: a person looks, and tries it again.

    Who was erased since does not come back with it, mail that was read is not read again, who is suspended by now stays so, and vectors,
    which went on, are filled again.
    """
    if not _is_kept(settings):  # it is back in its place
        return {"held": 0}
    why = told(lazy_gettext("The box was put back to before an update, and this may have been done since."))
    values = {"state": DeliveryState.DEAD, "lease_token": None, "lease_until": None, "last_error": why}
    with _standing_still(settings):
        gone = _tenant_keys(settings, _kept(settings)).keys() - _tenant_keys(settings, _own(settings)).keys()
        read, suspended = _mailboxes(settings), _suspended(settings)
        with rebuilding.opened(settings, _keys(settings), _kept(settings)) as engine, engine.begin() as connection:
            contents.see_all(connection)
            connection.execute(delete(TenantKey).where(TenantKey.tenant_id.in_(gone)))
            identity.remove_keyless(connection)
            knowledge.forget_vectors_in(connection)
            for channel_id, place in read.items():
                connection.execute(update(Mailbox).where(Mailbox.channel_id == channel_id).values(**place))
            idle = [] if suspended is None else _suspend(connection, suspended)
            was_due = (Delivery.state == DeliveryState.PENDING) & (Delivery.next_at <= clock.now())
            was_held = (Delivery.state == DeliveryState.HELD) & Delivery.tenant_id.not_in(idle)
            owed = was_due | was_held | (Delivery.state == DeliveryState.LEASED)
            return {"held": connection.execute(update(Delivery).where(owed).values(**values)).rowcount}


def _suspend(connection: Connection, now: dict[UUID, datetime | None]) -> list[UUID]:
    """Those of `now`, with since when, and nobody else. Returns who was suspended all the time: what was held of them was not done."""
    were = {row.id: row.suspended_at for row in connection.execute(select(Tenant.id, Tenant.suspended_at).where(_IS_SUSPENDED))}
    connection.execute(update(Tenant).where(_IS_SUSPENDED).values(status=TenantStatus.ACTIVE, suspended_at=None))
    for tenant_id, since in now.items():
        connection.execute(update(Tenant).where(Tenant.id == tenant_id).values(status=TenantStatus.SUSPENDED, suspended_at=since))
    return [tenant_id for tenant_id, since in now.items() if since is not None and were.get(tenant_id) == since]


def _suspended(settings: Settings) -> dict[UUID, datetime | None] | None:
    rows = _given_up(settings, Tenant, ("id", "status", "suspended_at"), _IS_SUSPENDED)
    return None if rows is None else {row.id: row.suspended_at for row in rows}


def _mailboxes(settings: Settings) -> dict[UUID, dict[str, Any]]:
    """How far each is read by now."""
    told = ("channel_id", "source", "uid_validity", "last_uid")
    return {row.channel_id: {name: getattr(row, name) for name in told[1:]} for row in _given_up(settings, Mailbox, told) or ()}


def _given_up(settings: Settings, table: type[db.Base], told: Sequence[str], *which: ColumnElement[bool]) -> Sequence[Row[Any]] | None:
    """Of the data that are given up; none where their release does not tell it in the same way any more."""
    with rebuilding.opened(settings, _keys(settings), _own(settings)) as engine:
        found = inspect(engine)
        if not found.has_table(table.__tablename__) or not {one["name"] for one in found.get_columns(table.__tablename__)} >= {*told}:
            return None
        with engine.execution_options(read_only=True).begin() as connection:
            contents.see_all(connection)
            return connection.execute(select(*(getattr(table, name) for name in told)).where(*which)).all()


def put_back(settings: Settings) -> dict[str, Any]:
    with _standing_still(settings):
        _put_back(settings)
    return {}


def _put_back(settings: Settings) -> None:
    """The kept copy takes the place of the data; done already, or without a copy, it changes nothing."""
    if _is_embedded(settings):
        kept = settings.home / BEFORE / rebuilding.DATABASE_FILE
        if kept.exists():
            for suffix in ("-wal", "-shm"):
                Path(f"{_file(settings)}{suffix}").unlink(missing_ok=True)
            kept.replace(_file(settings))
            updates.sync(settings.home)
    else:
        url = postgresql.owner_url(settings)
        forget(settings, UNDONE)
        with databases.administering(url, isolation="READ COMMITTED") as connection, connection.begin():
            if databases.exists(connection, databases.beside(url, BEFORE)):
                postgresql.end_others(connection, databases.beside(url, BEFORE))
                if databases.exists(connection, url.database):
                    postgresql.end_others(connection, url.database)
                    databases.rename(connection, url.database, databases.beside(url, UNDONE))
                databases.rename(connection, databases.beside(url, BEFORE), url.database)
        forget(settings, UNDONE)
    forget(settings, BEFORE)


def forget(settings: Settings, what: str) -> dict[str, Any]:
    if _is_embedded(settings):
        shutil.rmtree(settings.home / what, ignore_errors=True)
    else:
        url = postgresql.owner_url(settings)
        with databases.administering(url) as connection:
            postgresql.drop_database(connection, databases.beside(url, what))
    return {}


def forget_old(settings: Settings) -> None:
    """What was kept from before the last update, after a while or when somebody was erased; what a rehearsal left that was killed."""
    here = updates.releases()
    journal = here.read()
    if journal is not None and journal.step is updates.Step.DONE:
        forget(settings, REHEARSAL)
        if not updates.keeps_copy(journal) or (_is_kept(settings) and not _has_same_keys(settings)):
            forget(settings, BEFORE)


def size(settings: Settings) -> dict[str, Any]:
    """Bytes of the database, and the folder in which a copy of it needs room; empty where that is another machine's."""
    if _is_embedded(settings):
        return {"size": _file(settings).stat().st_size if _file(settings).exists() else 0, "at": str(settings.home)}
    url = postgresql.owner_url(settings)
    with databases.administering(url) as connection:
        found = connection.scalar(text("SELECT pg_database_size(:name)"), {"name": url.database})
        is_local = connection.scalar(text("SELECT inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr()"))
    return {"size": found, "at": SERVERS_FOLDER if is_local and Path(SERVERS_FOLDER).exists() else ""}


def _kept(settings: Settings) -> Path | URL:
    if _is_embedded(settings):
        return settings.home / BEFORE
    url = postgresql.owner_url(settings)
    return url.set(database=databases.beside(url, BEFORE))


def _own(settings: Settings) -> Path | URL:
    return settings.home if _is_embedded(settings) else postgresql.owner_url(settings)


def _is_kept(settings: Settings) -> bool:
    kept = _kept(settings)
    if isinstance(kept, Path):
        return (kept / rebuilding.DATABASE_FILE).exists()
    with databases.administering(kept) as connection:
        return databases.exists(connection, kept.database)


def _has_same_keys(settings: Settings) -> bool:
    """Whether each organisation's key in the kept copy is the box's own, too."""
    before, now = (_tenant_keys(settings, where) for where in (_kept(settings), _own(settings)))
    return before.items() <= now.items()


def _tenant_keys(settings: Settings, where: Path | URL) -> dict[UUID, bytes]:
    with rebuilding.opened(settings, _keys(settings), where) as engine, engine.execution_options(read_only=True).begin() as connection:
        contents.see_all(connection)
        return {row.tenant_id: row.wrapped for row in connection.execute(select(TenantKey.tenant_id, TenantKey.wrapped))}


def _keys(settings: Settings) -> crypto.Keyring:
    return crypto.Keyring(envelope.open_root(settings))


def _is_embedded(settings: Settings) -> bool:
    return make_url(settings.database_url).get_backend_name() == "sqlite"


def _file(settings: Settings) -> Path:
    return Path(make_url(settings.database_url).database or "")


def _address(where: Path | URL) -> str:
    return f"sqlite:///{where / rebuilding.DATABASE_FILE}" if isinstance(where, Path) else where.render_as_string(hide_password=False)


def _copy_alive(settings: Settings, keys: crypto.Keyring) -> Path | URL:
    """Of a box that works meanwhile."""
    if _is_embedded(settings):
        folder = settings.home / REHEARSAL
        folder.mkdir(mode=0o700)
        _copy_pages(settings, keys, folder)
        return folder
    url = postgresql.owner_url(settings)
    with databases.administering(url) as connection:
        databases.say(connection, "CREATE DATABASE %(to)s TEMPLATE template0", to=databases.beside(url, REHEARSAL))
    beside = url.set(database=databases.beside(url, REHEARSAL))
    _pour(url, beside)
    return beside


def _copy_pages(settings: Settings, keys: crypto.Keyring, folder: Path) -> None:
    source = db.connect(settings, keys.database_key, url=_address(_file(settings).parent))
    copy = db.connect(settings, keys.database_key, url=_address(folder))
    try:
        begin, end = source.engine.raw_connection(), copy.engine.raw_connection()
        begin.driver_connection.backup(end.driver_connection)  # type: ignore[union-attr]  # the driver's, as sqlite3 has it
        begin.close()
        end.close()
    finally:
        source.close()
        copy.close()


def _pour(url: URL, beside: URL) -> None:
    """One snapshot from database to database through a pipe; the tenants' keys too, which no backup has."""
    read_end, write_end = os.pipe()
    engine = create_engine(url, isolation_level="REPEATABLE READ")
    failed: list[BackupFailed] = []
    with engine.connect() as connection, connection.begin(), os.fdopen(read_end, "rb") as stream:
        view = contents.exported_snapshot(connection)

        def dump() -> None:
            with os.fdopen(write_end, "wb") as out:
                try:
                    postgresql.dump(url, out, snapshot=view, without=(), timeout_s=LONGEST_S)
                except BackupFailed as err:
                    failed.append(err)

        dumping = threading.Thread(target=dump)
        dumping.start()
        try:
            postgresql.load(stream, beside, replace=False, timeout_s=LONGEST_S)
        finally:
            dumping.join()
    engine.dispose()
    if failed:
        raise failed[0]


def _revision(engine: Engine) -> str:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def _check_whole(settings: Settings, keys: crypto.Keyring, engine: Engine) -> None:
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            said = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            loose = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if said != "ok" or loose is not None:
                raise Failed(_("After the migration the copy of the database is damaged: %(why)s", why=said if loose is None else loose[0]))
        missing = sorted({table.name for table in db.Rows.metadata.sorted_tables} - set(inspect(connection).get_table_names()))
        if missing:
            raise Failed(_("After the migration tables are missing: %(names)s", names=", ".join(missing)))
    found = rebuilding.look_at(engine, keys, settings.home, Contents("", engine.dialect.name, "", {}, 0, 0), Erased())
    if found.unreadable:
        raise Failed(_("After the migration %(number)s of the values that were tried do not open.", number=found.unreadable))


def _copy_file(settings: Settings, path: Path, to: Path) -> None:
    """With what its log still holds written into it first; nobody else has it open."""
    database = db.connect(settings, _keys(settings).database_key)
    with database.read_only.connect() as connection:
        is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
    database.close()
    if is_busy:  # what stands in the log would be missing
        raise _commanded(settings)
    copy_whole(path, to)


def copy_whole(path: Path, to: Path) -> None:
    """Into a folder of its own, which is gone again when the disk is full."""
    to.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        shutil.copyfile(path, to)
        to.chmod(0o600)
        updates.sync(to)
        updates.sync(to.parent)
    except OSError:
        shutil.rmtree(to.parent, ignore_errors=True)
        raise


VERBS: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "rehearse": rehearse, "keep": keep, "put-back": put_back, "size": size, "check-kept": check_kept, "hold": hold,
    "forget": partial(forget, what=BEFORE), "forget-rehearsal": partial(forget, what=REHEARSAL),
}  # fmt: skip


def main() -> int:
    speak_as_the_terminal()
    os.umask(0o077)
    try:
        found = VERBS[sys.argv[1]](read_settings())
    except (Failed, DomainError, crypto.KeyUnreadable, migrate.UnknownTables, SQLAlchemyError, OSError) as err:
        sys.stderr.write(f"{err.message if isinstance(err, Failed) else databases.said_by(err)}\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
