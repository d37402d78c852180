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


def find_stopped_imports(uow: UnitOfWork, runs: Sequence[ContactImport]) -> frozenset[UUID]:
    """Those that failed before their end, and go on only when a person does them again."""
    running = {run.id for run in runs if run.status is ImportStatus.RUNNING}
    under_way = deliveries.find_under_way(uow, {str(run_id) for run_id in running}) if running else frozenset()
    idle = {run_id for run_id in running if str(run_id) not in under_way}
    still = select(ContactImport.id).where(ContactImport.id.in_(idle), ContactImport.status == ImportStatus.RUNNING)
    return frozenset(uow.session.scalars(still) if idle else ())


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
