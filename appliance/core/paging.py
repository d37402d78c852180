"""One way to read a page of a list."""

from typing import Any, TypeVar

from sqlalchemy import Select, func

from appliance.core.db import Base
from appliance.core.uow import UnitOfWork
from appliance.core.web.schema import Page, PageQuery

T = TypeVar("T", bound=Base)


def read_page(uow: UnitOfWork, ordered: Select[T], query: PageQuery) -> Page[T]:
    """The rows of one page of `ordered`, with the total over all pages."""
    items = uow.session.scalars(ordered.offset(query.offset).limit(query.limit)).all()
    return Page(items, count_rows(uow, ordered), query.page, query.limit)


def count_rows(uow: UnitOfWork, statement: Select[*tuple[Any, ...]]) -> int:
    """Of what the statement names first."""
    entity: type[Base] = statement.column_descriptions[0]["entity"]
    counting = statement.with_only_columns(func.count(entity.id), maintain_column_froms=True).order_by(None)
    return uow.session.scalar(counting) or 0
