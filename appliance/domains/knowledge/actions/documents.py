"""Taking documents in, reading them again, letting them go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from appliance.core import files
from appliance.core.blobs import BlobRef, Readable
from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import NIL
from appliance.core.rows import locked
from appliance.core.uow import SYSTEM, Actor, UnitOfWork
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import postings
from appliance.domains.knowledge.errors import AlreadyProcessing, NothingToRead, UnknownAgent
from appliance.domains.knowledge.events import CorpusSettled, DocumentDeleted, DocumentStored, ReindexRequested
from appliance.domains.knowledge.tables import Chunk, Corpus, Document, DocumentVersion
from appliance.domains.knowledge.types import DocumentStatus

MIB = 2**20
LONGEST_NAME = 255
REINDEX_SLICE = 20
MOVING = timedelta(minutes=10)  # a document that has not moved for longer is not waited for
FINISHED = (DocumentStatus.PROCESSED, DocumentStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a document belongs. `agents` empty: every agent may answer from it."""

    agents: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    keep_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """`is_new` is False when the box already had this very file, as `version`."""

    document_id: UUID
    version: int
    is_new: bool


def upload_document(
    box: Box, tenant_id: UUID, filename: str, stream: Readable, *, filing: Filing | None = None, actor: Actor = SYSTEM,
) -> UUID:
    return take_document(box, tenant_id, filename, stream, filing=filing, actor=actor).document_id


def take_document(
    box: Box, tenant_id: UUID, filename: str, stream: Readable, *, filing: Filing | None = None, actor: Actor = SYSTEM,
) -> Taken:
    """Store the file, then say so. The same name again is a new version; the old one answers until the new one is indexed.

    The very bytes of the newest version are not read again. Opens its own unit, because the file is written before it.
    Raises NothingToRead, and what `files.put` raises.
    """
    name = check_filename(filename)
    limit = box.settings.knowledge.max_file_mb * MIB
    blob = files.put(box, tenant_id, stream, files.Origin.ARRIVED, by=actor, limit=limit)
    if not blob.size:
        files.give_up(box, tenant_id, blob.id)
        raise NothingToRead(_("The file is empty. Check it on your computer and send it again."))
    with box.unit(tenant_id, actor) as uow:
        same = find_same(uow, name, blob)
        if same is None:
            added = add_version(uow, name, blob, filing)
            return Taken(added.id, added.version, is_new=True)
        if filing is not None:
            _file(same, filing)
            touch_corpus(uow)
        known = Taken(same.id, same.version, is_new=False)
    files.give_up(box, tenant_id, blob.id)
    return known


def find_same(uow: UnitOfWork, filename: str, blob: BlobRef) -> Document | None:
    """The document whose newest version is this very file and was not given up."""
    document = queries.find_document_by_name(uow, filename)
    if document is None:
        return None
    newest = queries.newest_version(uow, document)
    return document if newest.sha256 == blob.sha256 and newest.status is not DocumentStatus.FAILED else None


def check_filename(filename: str) -> str:
    """The last part of the name, without what a path could smuggle in."""
    name = PurePath(filename.replace("\\", "/").replace("\x00", "")).name.strip()
    if not name or name in {".", ".."}:
        raise NothingToRead(_("Choose a file to send."))
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME - 20] + name[-20:]


def add_version(uow: UnitOfWork, filename: str, blob: BlobRef, filing: Filing | None) -> Document:
    document = queries.find_document_by_name(uow, filename)
    if document is None:
        document = Document(filename=filename, agents=[], tags=[], details={}, version=0)
        uow.session.add(document)
    if filing is not None:
        _file(document, filing)
    document.version += 1
    document.status = DocumentStatus.UPLOADED
    uow.session.flush()
    _read_anew(uow, document, blob)
    return document


def _read_anew(uow: UnitOfWork, document: Document, blob: BlobRef) -> None:
    version = DocumentVersion(document_id=document.id, number=document.version, blob_id=blob.id, size=blob.size, sha256=blob.sha256)
    uow.session.add(version)
    uow.session.flush()
    files.use(uow, version.id, [blob.id])
    uow.emit(DocumentStored(document.id, version.id))


def reindex_document(uow: UnitOfWork, document_id: UUID) -> Document:
    """Read the stored file again as a new version. Raises AlreadyProcessing while one is under way."""
    document = queries.get_document(uow, document_id)
    newest = queries.newest_version(uow, document)
    if newest.status in {DocumentStatus.UPLOADED, DocumentStatus.PROCESSING}:
        raise AlreadyProcessing(_("This document is being read right now. Wait for it to finish."))
    document.version += 1
    document.status = DocumentStatus.UPLOADED
    _read_anew(uow, document, BlobRef(newest.blob_id, newest.size, newest.sha256))
    return document


def reindex_all(uow: UnitOfWork) -> int:
    """How many documents will be read again; they are taken up a slice at a time after the commit."""
    finished = Document.status.in_(FINISHED)
    newest = uow.session.scalar(select(Document.id).where(finished).order_by(Document.id.desc()).limit(1))
    if newest is not None:
        uow.emit(ReindexRequested(NIL, newest))
    return uow.session.scalar(select(func.count(Document.id)).where(finished)) or 0


def reindex_slice(uow: UnitOfWork, after: UUID, until: UUID) -> None:
    wanted = select(Document).where(Document.id > after, Document.id <= until, Document.status.in_(FINISHED))
    documents = uow.session.scalars(wanted.order_by(Document.id).limit(REINDEX_SLICE)).all()
    for document in documents:
        reindex_document(uow, document.id)
    if len(documents) == REINDEX_SLICE:
        uow.emit(ReindexRequested(documents[-1].id, until))


def file_document(uow: UnitOfWork, document_id: UUID, filing: Filing) -> Document:
    """Change who may answer from it, its tags, and how long it is kept. Raises UnknownAgent."""
    check_agents(uow, filing.agents)
    document = queries.get_document(uow, document_id)
    _file(document, filing)
    touch_corpus(uow)
    return document


def check_agents(uow: UnitOfWork, agents: Iterable[UUID]) -> None:
    """Raises UnknownAgent. Asked when somebody files, not when a file that was on its way arrives: an agent may be gone by then."""
    if not all(uow.box.registry.knows(uow, "agent", agent) for agent in agents):
        sentence = _("There is no such agent. Choose one of yours, or none.")
        raise UnknownAgent(sentence, fields={"agents": sentence})


def _file(document: Document, filing: Filing) -> None:
    document.agents = [str(agent) for agent in filing.agents]
    document.tags = list(dict.fromkeys(filing.tags))
    document.details = dict(filing.details)
    document.keep_until = filing.keep_until


def delete_document(uow: UnitOfWork, document_id: UUID) -> None:
    """Rows go now, vectors and files right after the commit."""
    document = queries.get_document(uow, document_id)
    versions = queries.list_versions(uow, document_id)
    ids = [version.id for version in versions]
    remove_rows(uow, ids)
    files.let_go(uow, ids)
    for version in versions:
        uow.emit(DocumentDeleted(document.id, version.first_number, version.last_number))
        uow.session.delete(version)
    uow.session.flush()
    uow.session.delete(document)
    touch_corpus(uow)
    settle(uow, document_id)


def settle(uow: UnitOfWork, document_id: UUID) -> None:
    """A document stopped moving. Many that arrive together are measured once, after the last: whoever calls this holds the corpus."""
    if all(version.updated_at < uow.now - MOVING for version in queries.list_unfinished(uow)):
        uow.emit(CorpusSettled(document_id))


def remove_rows(uow: UnitOfWork, version_ids: Iterable[UUID]) -> None:
    """Chunks and postings of these versions."""
    lock_corpus(uow)
    ids = list(version_ids)
    numbered = select(DocumentVersion.first_number, DocumentVersion.last_number).where(DocumentVersion.id.in_(ids))
    for first, last in uow.session.execute(numbered).all():
        if first <= last:
            postings.erase(uow, first, last)
    uow.session.execute(delete(Chunk).where(Chunk.version_id.in_(ids)).execution_options(synchronize_session=False))


def lock_corpus(uow: UnitOfWork) -> Corpus:
    """Held until the unit ends: one writer at a time to what the tenant's documents share."""
    corpus = uow.session.scalar(locked(select(Corpus)))
    if corpus is None:
        corpus = Corpus(version=0, next_number=1, dense_weights={})
        uow.session.add(corpus)
        uow.session.flush()
    return corpus


def touch_corpus(uow: UnitOfWork) -> Corpus:
    """The tenant's corpus with its version moved on: whatever was cached under the old one is out of date."""
    corpus = lock_corpus(uow)
    corpus.version += 1
    uow.session.flush()
    return corpus
