from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from appliance.core import deliveries
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.errors import ImportNotFound
from appliance.domains.contacts.tables import ContactImport, ImportProblem
from appliance.domains.contacts.types import ImportStatus

UPLOADS_KEPT_FOR = timedelta(days=7)


def get_import(uow: UnitOfWork, import_id: UUID) -> ContactImport:
    return required(uow.session.get(ContactImport, import_id), ImportNotFound)


def lock_import(uow: UnitOfWork, import_id: UUID) -> ContactImport:
    return required(uow.session.scalar(locked(select(ContactImport).where(ContactImport.id == import_id))), ImportNotFound)


def has_import_stopped(uow: UnitOfWork, run: ContactImport) -> bool:
    """It failed before its end, and goes on only when a person does it again."""
    if run.status is not ImportStatus.RUNNING or deliveries.is_under_way(uow, str(run.id)):
        return False
    return uow.session.scalar(select(ContactImport.status).where(ContactImport.id == run.id)) is ImportStatus.RUNNING  # still


def list_imports(uow: UnitOfWork) -> Sequence[ContactImport]:
    """The latest hundred."""
    return uow.session.scalars(select(ContactImport).order_by(ContactImport.created_at.desc()).limit(100)).all()


def list_import_problems(uow: UnitOfWork, import_id: UUID, *, limit: int = 10_000) -> Sequence[ImportProblem]:
    problems = select(ImportProblem).where(ImportProblem.import_id == import_id)
    return uow.session.scalars(problems.order_by(ImportProblem.line, ImportProblem.id).limit(limit)).all()


def list_abandoned_uploads(uow: UnitOfWork) -> dict[UUID, list[UUID]]:
    """By organisation, those of the whole box that nobody imported; needs the box scope."""
    old = select(ContactImport.tenant_id, ContactImport.id).where(
        ContactImport.status == ImportStatus.UPLOADED, ContactImport.created_at < uow.now - UPLOADS_KEPT_FOR
    )
    found: dict[UUID, list[UUID]] = {}
    for tenant_id, import_id in uow.session.execute(old):
        found.setdefault(tenant_id, []).append(import_id)
    return found
