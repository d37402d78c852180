"""Reads that every question makes, prepared once: what a session adds to each execution costs more than the rows do."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, Table, TextClause, bindparam
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import ReturnsRows

from appliance.core.db import TENANT_OWNED, NoTenant
from appliance.core.uow import UnitOfWork

_OWNER = "owning_tenant_id"
Columns = tuple[Any, ...]


class Prepared:
    """Columns of one table that tenants own. Only rows of the unit's tenant are read, as the session's guard would have it."""

    def __init__(self, wanted: Select[*Columns]) -> None:
        """Raises NoTenant when it reads anything but one such table: another, an alias, a selection within, SQL as text."""
        if any(isinstance(element, TextClause) or getattr(element, "is_literal", False) for element in visitors.iterate(wanted)):
            raise NoTenant("a prepared read holds no SQL written as text: nobody sees what it reads")
        read = [element for element in visitors.iterate(wanted) if isinstance(element, ReturnsRows) and element is not wanted]
        tables = {element.name: element for element in read if isinstance(element, Table) and element.info.get(TENANT_OWNED)}
        if len(tables) != 1 or not all(isinstance(element, Table) and element.name in tables for element in read):
            raise NoTenant("a prepared read is of one table, and of one that tenants own")
        table, = tables.values()
        self._statement = wanted.where(table.c.tenant_id == bindparam(_OWNER))

    def rows(self, uow: UnitOfWork, **given: object) -> Sequence[Row[*Columns]]:
        uow.session.flush()  # as the session does before it reads
        return uow.session.connection().execute(self._statement, {**given, _OWNER: uow.tenant_id}).all()
