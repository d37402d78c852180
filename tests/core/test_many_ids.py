"""SQLite does not know how many rows a tenant has: asked for many ids it must not read them all."""

import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, UniqueConstraint, event, select

from appliance.core import db
from appliance.core.box import Box
from appliance.core.ids import new_id
from appliance.entrypoints.domains import MANIFESTS

assert MANIFESTS  # every domain's tables are known


def has_one_row_a_tenant(table: Table) -> bool:
    unique = (one for one in table.constraints if isinstance(one, UniqueConstraint | PrimaryKeyConstraint))
    return any(one.columns.keys() == ["tenant_id"] for one in unique)


def many_of(key: Column[Any]) -> list[int] | list[UUID]:
    return list(range(40)) if isinstance(key.type, Integer) else [new_id() for _ in range(40)]


TABLES = [table for table in db.tenant_tables(db.Rows.metadata) if not has_one_row_a_tenant(table)]


@pytest.mark.only_database("sqlite")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_many_ids_of_a_tenant_are_looked_up_one_by_one(box: Box, tenant_id: UUID, table: Table) -> None:
    keys = [column for column in table.primary_key if column.name != "tenant_id"]
    asked = select(table).where(table.c.tenant_id == tenant_id, *(key.in_(many_of(key)) for key in keys))
    with box.database.engine.connect() as connection:
        plan: list[Any] = []

        def explain(_connection: object, cursor: Any, statement: str, parameters: Any, _context: object, _many: bool) -> None:  # noqa: FBT001 - its signature
            plan.extend(cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

        event.listen(connection, "before_cursor_execute", explain)
        connection.execute(asked)
    assert plan
    assert [row[3] for row in plan if not all(re.search(rf"\b({key.name}|rowid)=\?", row[3]) for key in keys)] == []
