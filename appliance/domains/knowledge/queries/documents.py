"""Documents as people see them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, Text, cast, or_, select

from appliance.core.i18n import lazy_gettext as _
from appliance.core.paging import read_page
from appliance.core.suspension import is_suspended
from appliance.core.uow import UnitOfWork
from appliance.core.web.schema import Page, PageQuery
from appliance.domains.knowledge.errors import DocumentNotFound
from appliance.domains.knowledge.queries import naming
from appliance.domains.knowledge.schemas import DocumentView
from appliance.domains.knowledge.tables import Chunk, Document, DocumentVersion
from appliance.domains.knowledge.types import UNFINISHED, DocumentStatus


def get_document(uow: UnitOfWork, document_id: UUID) -> Document:
    found = uow.session.get(Document, document_id)
    if found is None:
        raise DocumentNotFound(_("This document does not exist."))
    return found


def find_document_by_name(uow: UnitOfWork, filename: str) -> Document | None:
    return uow.session.scalar(select(Document).where(Document.filename == filename))


def get_version(uow: UnitOfWork, version_id: UUID) -> DocumentVersion:
    found = uow.session.get(DocumentVersion, version_id)
    if found is None:
        raise DocumentNotFound(_("This document does not exist any more."))
    return found


def find_version(uow: UnitOfWork, version_id: UUID) -> DocumentVersion | None:
    """None once the document was deleted: what was under way for it ends quietly."""
    return uow.session.get(DocumentVersion, version_id)


def newest_version(uow: UnitOfWork, document: Document) -> DocumentVersion:
    return uow.session.scalars(
        select(DocumentVersion).where(DocumentVersion.document_id == document.id, DocumentVersion.number == document.version)
    ).one()


def list_versions(uow: UnitOfWork, document_id: UUID) -> Sequence[DocumentVersion]:
    wanted = select(DocumentVersion).where(DocumentVersion.document_id == document_id).order_by(DocumentVersion.number)
    return uow.session.scalars(wanted).all()


def view_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    return _views(uow, [get_document(uow, document_id)])[0]


def list_documents(
    uow: UnitOfWork, *, page: int = 1, limit: int = 50, status: DocumentStatus | None = None, agent_id: UUID | None = None, q: str = "",
) -> Page[DocumentView]:
    """Newest first. `agent_id` keeps what this agent may read; `q` is part of a name."""
    wanted = _wanted(status, q)
    if agent_id is not None:
        listed = cast(Document.agents, Text)  # a list of ids, as JSON writes it
        wanted = wanted.where(or_(listed == "[]", listed.contains(f'"{agent_id}"', autoescape=True)))
    found = read_page(uow, wanted.order_by(Document.created_at.desc(), Document.id), PageQuery(page=page, limit=limit))
    return Page(_views(uow, found.items), found.total, page, limit)


def count_searchable(uow: UnitOfWork, agent_id: UUID | None = None) -> tuple[int, int]:
    """(that answer by now, all that were sent and did not fail) of what this agent may read; of all without one."""
    rows = uow.session.execute(select(Document.agents, Document.active_version_id, Document.status))
    mine = [(active is not None, status) for agents, active, status in rows if agent_id is None or not agents or str(agent_id) in agents]
    return sum(answers for answers, _ in mine), sum(answers or status is not DocumentStatus.FAILED for answers, status in mine)


def _wanted(status: DocumentStatus | None, q: str) -> Select[Document]:
    wanted = select(Document)
    if status is not None:
        wanted = wanted.where(Document.status == status)
    return wanted.where(Document.filename.icontains(q, autoescape=True)) if q else wanted


def _views(uow: UnitOfWork, documents: Sequence[Document]) -> list[DocumentView]:
    ids = [document.id for document in documents]
    versions = uow.session.scalars(select(DocumentVersion).where(DocumentVersion.document_id.in_(ids))).all()
    newest = {version.document_id: version for version in sorted(versions, key=lambda one: one.number)}
    by_id = {version.id: version for version in versions}
    names = naming.names_of(uow, documents)
    return [
        _view(document, names[document.id], newest[document.id], by_id.get(document.active_version_id))  # type: ignore[arg-type]
        for document in documents
    ]


def _view(document: Document, name: str, newest: DocumentVersion, answering: DocumentVersion | None) -> DocumentView:
    shown = answering or newest
    return DocumentView(
        id=document.id, name=name, filename=document.filename, file_type=newest.media_type, file_size=newest.size, sha256=newest.sha256,
        status=document.status, step=newest.step, progress=newest.progress, processing_error=newest.error, warnings=newest.warnings,
        version=newest.number, answering_version=answering.number if answering else None, language=shown.language, title=shown.title,
        author=shown.author, pages=shown.pages, chunks=shown.last_number - shown.first_number + 1,
        agents=document.agents, tags=document.tags, keep_until=document.keep_until,
        metadata=document.details, created_at=document.created_at, updated_at=document.updated_at,
    )


def list_chunks(uow: UnitOfWork, document_id: UUID, *, page: int = 1, limit: int = 50) -> Page[Chunk]:
    """Of the version that answers, in reading order; of the newest one while none answers."""
    document = get_document(uow, document_id)
    version_id = document.active_version_id or newest_version(uow, document).id
    wanted = select(Chunk).where(Chunk.version_id == version_id)
    return read_page(uow, wanted.order_by(Chunk.position), PageQuery(page=page, limit=limit))


def list_expired(uow: UnitOfWork, *, limit: int = 500) -> Sequence[Document]:
    """Whose time is over, of all organisations in a box-wide unit."""
    return uow.session.scalars(select(Document).where(Document.keep_until <= uow.now).order_by(Document.keep_until).limit(limit)).all()


def list_unfinished(uow: UnitOfWork, *, limit: int = 200) -> Sequence[DocumentVersion]:
    """Versions on their way."""
    on_their_way = DocumentVersion.status.in_(UNFINISHED)
    return uow.session.scalars(select(DocumentVersion).where(on_their_way).order_by(DocumentVersion.created_at).limit(limit)).all()


def list_stuck(uow: UnitOfWork, *, older_than: timedelta, limit: int = 200) -> Sequence[DocumentVersion]:
    """On their way and not moved for so long, of all organisations in a box-wide unit; where one is suspended, all waits and none is."""
    on_their_way = DocumentVersion.status.in_(UNFINISHED), ~is_suspended(uow, DocumentVersion.tenant_id)
    stuck = select(DocumentVersion).where(*on_their_way, DocumentVersion.updated_at < uow.now - older_than)
    return uow.session.scalars(stuck.order_by(DocumentVersion.updated_at).limit(limit)).all()


def list_jobs(uow: UnitOfWork) -> list[tuple[DocumentVersion, str]]:
    """Unfinished versions with their document's name, oldest first."""
    versions = list_unfinished(uow)
    names = {document.id: document.filename for document in
             uow.session.scalars(select(Document).where(Document.id.in_([version.document_id for version in versions])))}
    return [(version, names[version.document_id]) for version in versions]
