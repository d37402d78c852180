"""What every table needs: whether a row is there and, once there are two writers, who changed it, who holds it, who made it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, CursorResult, LargeBinary, Select, cast, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import InstrumentedAttribute

from appliance.core.db import Base, Rows
from appliance.core.errors import Conflict, DomainError, NotFound, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork

T = TypeVar("T")
AGAIN_S = 1.0
log = structlog.get_logger()
# What comes from outside is stored together. Nobody's fault: all of it comes again.
BUSY = (OperationalError, InterfaceError, PoolTimeout)
PASSING = (*BUSY, Unavailable)
# What one of them can do to the others. It is then stored alone, and kept aside if it is at fault.
SPOILS = (SQLAlchemyError, DomainError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RecursionError)


def surely(write: Callable[[], None]) -> None:
    """What happened already is not given up for one moment in which nothing can be written: nobody would know of it then."""
    try:
        write()
    except BUSY as err:
        log.warning("not_written_at_once", error=type(err).__name__)
        time.sleep(AGAIN_S)
        write()


def was_changed(result: object) -> bool:
    """Whether a compare-and-swap (`update … where` the old value) was ours."""
    return count_changed(result) == 1


def count_changed(result: object) -> int:
    assert isinstance(result, CursorResult)  # what `execute` gives back for bulk statements
    return result.rowcount


def bring_forward(uow: UnitOfWork, moment: InstrumentedAttribute[Any], by: timedelta, *which: ColumnElement[bool]) -> None:
    """In the whole box: of the moments yet to come those that the clock, put back by so much, left that much too far ahead."""
    rows = moment.class_
    (key,) = rows.__mapper__.primary_key
    found = uow.session.execute(select(key, moment).where(moment > uow.now, *which)).all()
    if found:
        uow.session.execute(update(rows), [{key.key: of, moment.key: at - by} for of, at in found])


def required(row: T | None, error: type[NotFound]) -> T:
    """Raises `error` when there is no such row."""
    if row is None:
        raise error
    return row


def check_room(uow: UnitOfWork, table: type[Base], most: int, new: int = 1) -> None:
    """For what is listed whole. Raises Refused when the organisation has as many as a list shows."""
    if (uow.session.scalar(select(func.count(table.id))) or 0) + new > most:
        raise Refused(_("No more than %(most)s are kept. Delete one that nobody needs first.", most=most))


@contextmanager
def unique(uow: UnitOfWork, sentence: object) -> Iterator[None]:
    """What is done inside is written at once, or undone. Raises Conflict with `sentence` where another row is the same."""
    try:
        with uow.session.begin_nested():
            yield
            uow.session.flush()
    except IntegrityError as err:
        raise Conflict(sentence) from err


def locked(statement: Select[T]) -> Select[T]:
    """Held until the unit ends, and read afresh: what the session saw before another writer's commit is out of date."""
    return statement.with_for_update().execution_options(populate_existing=True)


def insert_if_absent(uow: UnitOfWork, table: type[Rows], row: dict[str, Any]) -> None:
    """Of many who come first at once the database lets one make the row."""
    insert_absent(uow, table, [row])


def insert_absent(uow: UnitOfWork, table: type[Rows], rows: Sequence[dict[str, Any]]) -> None:
    """The same of many rows, in one go."""
    uow.session.execute(_insert(uow, table).on_conflict_do_nothing(), rows)


def insert_new(uow: UnitOfWork, table: type[Base], rows: Sequence[dict[str, Any]]) -> frozenset[UUID]:
    """Those of `rows` that no row stands in the way of, also of each other: the ids of what was made."""
    made = _insert(uow, table).on_conflict_do_nothing().returning(table.id)
    return frozenset(uow.session.scalars(made, rows))


def insert_or_append(uow: UnitOfWork, table: type[Rows], rows: Sequence[dict[str, Any]], *, key: Sequence[str], grows: str) -> None:
    """Where a row of the same `key` is there, the bytes of the column `grows` are put behind what it holds."""
    insert = _insert(uow, table)
    longer = cast(getattr(table, grows).op("||")(insert.excluded[grows]), LargeBinary)
    grown = insert.on_conflict_do_update(index_elements=key, set_={grows: longer})
    uow.session.execute(grown.execution_options(dml_strategy="raw"), rows)  # whole rows: no need to look for what each leaves out


def _insert(uow: UnitOfWork, table: type[Rows]) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if uow.box.database.is_postgresql else sqlite.insert(table)
