"""The tenants' wrapped keys on their way: never in an ordinary backup, and of this part only the newest is kept.

So a key that is destroyed is gone from the backups as well, once the next one was taken.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Table, insert, inspect, select

from appliance.core.tenancy import TenantKey
from appliance.domains.ops.actions.contents import KEY_TABLES

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def written(connection: Connection) -> bytes:
    there = set(inspect(connection).get_table_names())
    tables = [table for table in KEY_TABLES if table.name in there]
    return json.dumps({table.name: [_plain(row) for row in connection.execute(select(table)).mappings()] for table in tables}).encode()


def read_in(connection: Connection, content: bytes) -> None:
    found = json.loads(content)
    for table in KEY_TABLES:
        if rows := [_typed(table, row) for row in found.get(table.name, [])]:
            connection.execute(insert(table), rows)


def wrapped_in(content: bytes) -> dict[UUID, bytes]:
    """By organisation."""
    table = TenantKey.__tablename__
    return {UUID(row["tenant_id"]): b64decode(row["wrapped"]) for row in json.loads(content).get(table, [])}


def _plain(row: Any) -> dict[str, object]:
    return {name: _text(value) for name, value in row.items()}


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(table.c[name].type.python_type, value) for name, value in row.items() if name in table.c}


def _value(kind: type, value: Any) -> Any:
    if value is None:
        return None
    if kind is bytes:
        return b64decode(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return kind(value)
