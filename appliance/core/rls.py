"""Row-level security: PostgreSQL's own wall between tenants, standing even where the session guard is off."""

from collections.abc import Iterable

from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection
from sqlalchemy.schema import DDL

from appliance.core.db import tenant_tables

_POLICY = (
    "CREATE POLICY tenant_wall ON %(fullname)s USING (current_setting('app.scope', true) = 'box'"
    " OR tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
)


def wall(table: Table) -> Iterable[DDL]:
    """The statements that put `table` behind the wall. The policy reads what core.uow sets for each transaction."""
    for statement in ("ALTER TABLE %(fullname)s ENABLE ROW LEVEL SECURITY", "ALTER TABLE %(fullname)s FORCE ROW LEVEL SECURITY", _POLICY):
        yield DDL(statement).against(table)  # type: ignore[no-untyped-call]  # the library's


def raise_walls(connection: Connection, metadata: MetaData) -> None:
    for table in tenant_tables(metadata):
        for statement in wall(table):
            connection.execute(statement)
