"""Organisations that are suspended: what is owed to them waits, and nothing of them leaves.

Who they are is asked of the database in the statement that takes a job up, so every process heeds it from the commit on.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false
from sqlalchemy.orm import InstrumentedAttribute

from appliance.core.uow import UnitOfWork


def is_suspended(uow: UnitOfWork, tenant_id: ColumnElement[UUID] | InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether the organisation that this column names is."""
    which = uow.box.registry.suspended
    return false() if which is None else exists(which.where(which.selected_columns[0] == tenant_id))


def list_suspended(uow: UnitOfWork, *, locked: bool = False) -> Sequence[UUID]:
    """`locked`: none of them is resumed before this unit ends."""
    which = uow.box.registry.suspended
    if which is None:
        return []
    return uow.session.scalars(which.with_for_update(read=True) if locked else which).all()


def is_suspended_now(uow: UnitOfWork, tenant_id: UUID | None = None) -> bool:
    """The unit's own organisation, when none is named."""
    which = uow.box.registry.suspended
    return which is not None and uow.session.scalar(which.where(which.selected_columns[0] == (tenant_id or uow.tenant_id))) is not None
