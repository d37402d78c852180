"""Whether PostgreSQL's rows were written under the key at hand: a few sealed bytes among them say so, before anything is written.

The embedded store needs none: another key does not open its file.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection as Driver
from psycopg.errors import UndefinedTable
from sqlalchemy import Engine, event, insert, select
from sqlalchemy.engine import Connection

from appliance.core import crypto
from appliance.core.i18n import gettext as _

NAME = "key_canary"
_SAYS = b"salesedge"


def watch(engine: Engine, database_key: bytes) -> None:
    """Connecting raises KeyUnreadable for another box's key. A database without tables takes any."""

    def compare(connection: Driver[Any], _record: object) -> None:
        try:
            with connection.transaction():
                row = connection.execute("SELECT sealed FROM key_canary").fetchone()
        except UndefinedTable:
            row = None
        if row is not None:
            _open(database_key, bytes(row[0]), connection.info.dbname)

    event.listen(engine, "first_connect", compare)


def leave(connection: Connection, keys: crypto.Keyring) -> None:
    """Once, beside the tables. In a database from before there was one, a tenant's key has to open first."""
    from appliance.core.tenancy import KeyCanary, TenantKey  # noqa: PLC0415 - the tables are made of what this watches

    if connection.scalar(select(KeyCanary.sealed)) is not None:
        return
    kept = connection.execute(select(TenantKey.tenant_id, TenantKey.wrapped).limit(1)).first()
    if kept is not None and not keys.opens(kept.tenant_id, kept.wrapped):
        raise crypto.KeyUnreadable(_foreign(str(connection.engine.url.database)))
    connection.execute(insert(KeyCanary).values(id=1, sealed=crypto.encrypt(_key(keys.database_key), _SAYS, NAME.encode())))


def _open(database_key: bytes, sealed: bytes, database: str) -> None:
    try:
        crypto.decrypt(_key(database_key), sealed, NAME.encode())
    except crypto.KeyUnreadable as err:
        raise crypto.KeyUnreadable(_foreign(database)) from err


def _key(database_key: bytes) -> bytes:
    return crypto.derive(database_key, "canary")


def _foreign(database: str) -> str:
    why = _("The master key does not open what is in the database %(name)s: it belongs to another box.", name=database)
    return f"{why} {_('Restore the key from your emergency copy.')}"
