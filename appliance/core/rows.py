"""What every table needs: whether a row is there and, once there are two writers, who changed it, who holds it, who made it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import CursorResult, LargeBinary, Select, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

from appliance.core.db import Base, Rows
from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork

T = TypeVar("T")


def was_changed(result: object) -> bool:
    """Whether a compare-and-swap (`update … where` the old value) was ours."""
    return count_changed(result) == 1


def count_changed(result: object) -> int:
    assert isinstance(result, CursorResult)  # what `execute` gives back for bulk statements
    return result.rowcount


def required(row: T | None, error: type[NotFound]) -> T:
    """Raises `error` when there is no such row."""
    if row is None:
        raise error
    return row


def check_room(uow: UnitOfWork, table: type[Base], most: int, new: int = 1) -> None:
    """For what is listed whole. Raises Refused when the organisation has as many as a list shows."""
    if (uow.session.scalar(select(func.count(table.id))) or 0) + new > most:
        raise Refused(_("No more than %(most)s are kept. Delete one that nobody needs first.", most=most))


def locked(statement: Select[T]) -> Select[T]:
    """Held until the unit ends, and read afresh: what the session saw before another writer's commit is out of date."""
    return statement.with_for_update().execution_options(populate_existing=True)


def insert_if_absent(uow: UnitOfWork, table: type[Rows], row: dict[str, Any]) -> None:
    """Of many who come first at once the database lets one make the row."""
    uow.session.execute(_insert(uow, table).on_conflict_do_nothing(), [row])


def insert_or_append(uow: UnitOfWork, table: type[Rows], rows: Sequence[dict[str, Any]], *, key: Sequence[str], grows: str) -> None:
    """Where a row of the same `key` is there, the bytes of the column `grows` are put behind what it holds."""
    insert = _insert(uow, table)
    longer = cast(getattr(table, grows).op("||")(insert.excluded[grows]), LargeBinary)
    grown = insert.on_conflict_do_update(index_elements=key, set_={grows: longer})
    uow.session.execute(grown.execution_options(dml_strategy="raw"), rows)  # whole rows: no need to look for what each leaves out


def _insert(uow: UnitOfWork, table: type[Rows]) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if uow.box.database.is_postgresql else sqlite.insert(table)
