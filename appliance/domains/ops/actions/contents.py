"""What is in a database and its files: counted before a backup, counted and opened after a restore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import LargeBinary, Table, func, inspect, select, type_coerce

from appliance.core import crypto
from appliance.core.db import Rows, Sealed, SealedJson
from appliance.core.files import FileState, StoredFile
from appliance.core.tenancy import KeyRotation, TenantKey
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import Contents, Erased, Found

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from appliance.core.blobs import Blobs

KEY_TABLES: tuple[Table, ...] = (TenantKey.__table__,)  # type: ignore[assignment]  # mapped tables are tables
APART = frozenset({table.name for table in KEY_TABLES} | {BackupRun.__tablename__})  # not in the copy of the database
_THERE = (FileState.FRESH, FileState.USED)
_SAMPLES = 3
_SAMPLE_FILES = 5


def count_rows(connection: Connection) -> dict[str, int]:
    there = set(inspect(connection).get_table_names())
    tables = [table for name, table in sorted(Rows.metadata.tables.items()) if name in there and name not in APART]
    return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def stored_files(connection: Connection) -> Iterator[tuple[UUID, UUID]]:
    """Tenant and id of those whose bytes have to be there."""
    kept = select(StoredFile.tenant_id, StoredFile.id).where(StoredFile.state.in_(_THERE)).order_by(StoredFile.id)
    for row in connection.execution_options(yield_per=1000).execute(kept):
        yield row.tenant_id, row.id


def needed_generations(connection: Connection, keys: crypto.Keyring) -> dict[str, int]:
    """The oldest key that something may still lie under: after a rotation all is under the new one, though the old one may stay."""
    wrapped = {row.tenant_id: row.wrapped for row in connection.execute(select(TenantKey.tenant_id, TenantKey.wrapped))}
    done = select(KeyRotation.tenant_id, KeyRotation.generation).where(KeyRotation.resealed_at.is_not(None))
    resealed = {row.tenant_id.hex: row.generation for row in connection.execute(done)}
    return {one: resealed.get(one, number) for one, number in keys.oldest(wrapped).items()}


def survey(connection: Connection, keys: crypto.Keyring, blobs: Blobs, told: Contents, erased: Erased) -> Found:
    """Counts all, looks for every file, opens a few values and files of each kind under the keys that came with them."""
    rows = count_rows(connection)
    files = absent = opened_files = 0
    unreadable = 0
    for tenant_id, file_id in stored_files(connection):
        files += 1
        if not blobs.has(tenant_id, file_id):
            absent += 1
        elif opened_files < _SAMPLE_FILES:
            verdict = _opens(lambda tenant=tenant_id, file=file_id: [*blobs.read(tenant, file)], keys, tenant_id)
            opened_files += verdict is True
            unreadable += verdict is False
    verdicts = [_opens(lambda value=sealed: keys.unseal(value), keys, crypto.tenant_of(sealed)) for sealed in _sealed_values(connection)]
    were = Counter(rows) + Counter(erased.rows)
    alike = {name for name in rows.keys() & told.rows.keys() if were[name] == told.rows[name]}
    differing = tuple(sorted({*rows, *told.rows} - alike))
    return Found(
        rows=rows, files=files, absent=max(0, absent - told.missing), opened_values=verdicts.count(True), opened_files=opened_files,
        unreadable=unreadable + verdicts.count(False), differing=differing, erased=erased.organisations,
        erased_rows=sum(erased.rows.values()),
    )  # fmt: skip


def _opens(read: Any, keys: crypto.Keyring, tenant_id: UUID) -> bool | None:
    """None when the organisation's key was destroyed: what it had does not open any more, and shall not."""
    try:
        keys.tenant_key(tenant_id)
    except crypto.KeyUnreadable:
        return None
    try:
        read()
    except (crypto.KeyUnreadable, OSError):
        return False
    return True


def _sealed_values(connection: Connection) -> Iterator[bytes]:
    """Of each sealed column the newest few, as they lie there."""
    there = set(inspect(connection).get_table_names())
    for table in Rows.metadata.sorted_tables:
        if table.name not in there:
            continue
        for column in table.c:
            if isinstance(column.type, Sealed | SealedJson):
                raw = type_coerce(column, LargeBinary())
                newest = select(raw).where(column.is_not(None)).order_by(*(key.desc() for key in table.primary_key)).limit(_SAMPLES)
                yield from connection.scalars(newest)


def see_all(connection: Connection) -> None:
    """Counting takes as long as it takes; the wall between organisations lets the whole box through."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.set_config("app.scope", "box", False), func.set_config("statement_timeout", "0", False)))


def exported_snapshot(connection: Connection) -> str:
    """PostgreSQL's name for what this transaction sees."""
    return str(connection.scalar(select(func.pg_export_snapshot())))
