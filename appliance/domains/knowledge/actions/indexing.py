"""The writes of each step between a stored file and a document that answers. Slow work happens before, outside the unit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, inspect, select, update

from appliance.core import files
from appliance.core.i18n import told
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import postings
from appliance.domains.knowledge.actions.documents import lock_corpus, remove_rows, settle, touch_corpus
from appliance.domains.knowledge.events import DocumentFailed, DocumentIndexed, DocumentProgressed, VectorsRebuilt, VersionReplaced
from appliance.domains.knowledge.queries import corpus as reading
from appliance.domains.knowledge.rules import digest
from appliance.domains.knowledge.rules.chunking import Chunk as Packed
from appliance.domains.knowledge.rules.digest import Digest
from appliance.domains.knowledge.rules.postings import Entries, listings, moved
from appliance.domains.knowledge.tables import Chunk, Corpus, Document, DocumentVersion
from appliance.domains.knowledge.types import UNFINISHED, DocumentStatus, Extraction, Step

READ_SHARE, CHUNK_SHARE, EMBED_SHARE = 40, 50, 95
BATCH = 500
UNKNOWN = "?"
NO_VECTORS: Mapping[UUID, bytes] = MappingProxyType({})


def note_progress(uow: UnitOfWork, version_id: UUID, progress: int) -> None:
    version = queries.find_version(uow, version_id)
    if version is not None and progress > version.progress:
        version.progress = progress
        uow.emit(DocumentProgressed(version.document_id, version.step, progress))


def begin_processing(uow: UnitOfWork, version_id: UUID) -> tuple[DocumentVersion, str] | None:
    """The version and the name of its file; None when it is gone, live or given up."""
    version = queries.find_version(uow, version_id)
    if version is None or version.error is not None or version.step is Step.INDEXED:
        return None
    document = queries.get_document(uow, version.document_id)
    if version.status is not DocumentStatus.PROCESSING:
        version.status = DocumentStatus.PROCESSING
        _show(uow, version, DocumentStatus.PROCESSING)
        uow.emit(DocumentProgressed(document.id, version.step, version.progress))
    return version, document.filename


def go_on_waiting(uow: UnitOfWork) -> None:
    """The organisation is resumed: what waited meanwhile has only now begun to."""
    own = DocumentVersion.tenant_id == uow.tenant_id, DocumentVersion.status.in_(UNFINISHED)
    waiting = update(DocumentVersion).where(*own).execution_options(synchronize_session=False)
    uow.session.execute(waiting.values(updated_at=uow.now))


def record_extraction(uow: UnitOfWork, version_id: UUID, found: Extraction, blob_id: UUID) -> None:
    """Kept for whoever goes on with it."""
    version = queries.get_version(uow, version_id)
    describe_version(version, found)
    files.use(uow, version_id, [blob_id])
    version.extraction_blob_id = blob_id
    version.step = Step.EXTRACTED
    note_progress(uow, version_id, READ_SHARE)


def title_of(found: Extraction) -> str:
    return (found.title or "")[:500]


def describe_version(version: DocumentVersion, found: Extraction) -> None:
    version.media_type = found.media_type[:120]
    version.title = title_of(found)
    version.author = (found.author or "")[:200]
    version.pages = found.pages
    version.warnings = [warning.value for warning in found.warnings]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows that only lack their numbers and owners, their stems by position, and the lengths that ranking needs: made before the unit
    is opened.
    """

    rows: tuple[dict[str, Any], ...]
    listed: Mapping[str, Entries]
    unit_count: int
    unit_length: int
    chunk_length: int


def prepare_chunks(found: Digest, packed: Sequence[Packed], ids: Sequence[UUID], *, title: Mapping[str, int]) -> Prepared:
    return prepare_rows(_chunk_rows(packed, ids, found.language), title=title)


def prepare_rows(made: Iterable[dict[str, Any]], *, title: Mapping[str, int]) -> Prepared:
    rows = tuple(made)
    pieces = [digest.piece(row["position"], row["units"], title) for row in rows]
    return Prepared(
        rows, listings(pieces), sum(len(row["units"]) for row in rows),
        sum(len(unit["stems"].split()) for row in rows for unit in row["units"]), sum(piece.fields.length for piece in pieces),
    )


def record_chunks(
    uow: UnitOfWork, version_id: UUID, read: Extraction, found: Digest, prepared: Prepared, *, vectors: Mapping[UUID, bytes] = NO_VECTORS,
) -> DocumentVersion:
    """Numbers are given out here, in one run, so that a version is one range of them. Its stems are written with it: a search is limited
    to the ranges of active versions.
    """
    version = queries.get_version(uow, version_id)
    corpus = lock_corpus(uow)
    if version.first_number <= version.last_number:
        remove_rows(uow, [version_id])
    describe_version(version, read)
    first, count = corpus.next_number, len(prepared.rows)
    version.first_number, version.last_number = first, first + count - 1
    corpus.next_number += count
    version.language = found.language
    version.claims = reading.claims_as_json(found.claims)
    version.acronyms = dict(found.acronyms)
    version.removed_text = [cut.text for cut in found.removed]
    version.unit_count, version.unit_length, version.chunk_length = prepared.unit_count, prepared.unit_length, prepared.chunk_length
    owner = {"tenant_id": uow.tenant_id, "version_id": version.id, "document_id": version.document_id}
    rows = [{**row, **owner, "number": first + row["position"], "embedding": vectors.get(row["id"])} for row in prepared.rows]
    for start in range(0, count, BATCH):
        uow.session.execute(insert(Chunk), rows[start:start + BATCH])
    postings.write(uow, moved(prepared.listed, first))
    version.step = Step.CHUNKED
    return version


def _chunk_rows(packed: Sequence[Packed], ids: Sequence[UUID], language: str) -> Iterable[dict[str, Any]]:
    first = offset = 0
    for position, (chunk_id, chunk) in enumerate(zip(ids, packed, strict=True)):
        text = chunk.text
        pages = chunk.pages or (None, None)
        yield {
            "id": chunk_id, "position": position, "text": text, "heading_path": list(chunk.path),
            "page_from": pages[0], "page_to": pages[1], "token_count": chunk.token_count,
            "char_start": offset, "char_end": offset + len(text),
            "units": digest.stored_units(chunk, first, language),
        }
        first += len(chunk.units)
        offset += len(text) + 1


def store_embeddings(uow: UnitOfWork, vectors: Mapping[UUID, bytes]) -> None:
    """Chunks that were deleted meanwhile are left out."""
    alive = uow.session.scalars(select(Chunk.id).where(Chunk.id.in_(list(vectors)))).all()
    if alive:
        uow.session.execute(update(Chunk), [{"id": chunk_id, "embedding": vectors[chunk_id]} for chunk_id in alive])


def forget_embeddings(uow: UnitOfWork, version_id: UUID, model: str) -> None:
    """Those of another model; the new ones are on their way."""
    version = queries.find_version(uow, version_id)
    if version is not None:
        version.embedding_model = model
        uow.session.execute(
            update(Chunk).where(Chunk.version_id == version_id).values(embedding=None).execution_options(synchronize_session=False)
        )


def record_vectors_in(uow: UnitOfWork, place: str) -> None:
    """All that answers is there."""
    lock_corpus(uow).vectors_in = place


def note_vectors_in(uow: UnitOfWork, place: str | None) -> None:
    """Where a change was written; None: nowhere. An index elsewhere lacks it: one that is met later is not trusted."""
    corpus = lock_corpus(uow)
    if corpus.vectors_in != place:
        corpus.vectors_in = UNKNOWN


def forget_vectors_in(connection: Connection) -> None:
    """In a copy of before: an index that went on may mean other passages by its numbers. Older releases have no such column."""
    columns = {column["name"] for column in inspect(connection).get_columns(Corpus.__tablename__)}
    if "vectors_in" in columns:
        connection.execute(update(Corpus).values(vectors_in=UNKNOWN))


def record_rebuilt(uow: UnitOfWork, model: str) -> None:
    """Answers kept from words alone are given anew, and the weight of vectors is measured again."""
    corpus = touch_corpus(uow)
    corpus.embedding_model = model
    uow.emit(VectorsRebuilt(corpus.version))


def record_embeddings(uow: UnitOfWork, version_id: UUID, vectors: Mapping[UUID, bytes], done: float) -> None:
    """`done` is the share of the version's chunks that are embedded, 0 to 1."""
    store_embeddings(uow, vectors)
    note_progress(uow, version_id, CHUNK_SHARE + int((EMBED_SHARE - CHUNK_SHARE) * done))


def finish_embedding(uow: UnitOfWork, version_id: UUID, model: str) -> None:
    """Nobody is told: what remains takes a moment."""
    version = queries.get_version(uow, version_id)
    version.embedding_model, version.step, version.progress = model, Step.EMBEDDED, EMBED_SHARE


def is_first(uow: UnitOfWork, version: DocumentVersion) -> bool:
    """What chance scores in the corpus is not known, and no other version of this document answers."""
    corpus = queries.find_corpus(uow)
    answering = queries.get_document(uow, version.document_id).active_version_id
    return (corpus is None or corpus.threshold is None) and answering in {None, version.id}


def open_version(uow: UnitOfWork, version_id: UUID) -> None:
    """The first of all documents can be searched but is not announced: what chance scores in it is measured in between."""
    lock_corpus(uow)
    document = queries.get_document(uow, queries.get_version(uow, version_id).document_id)
    if document.active_version_id is None:
        document.active_version_id = version_id
        touch_corpus(uow)


def activate_version(uow: UnitOfWork, version_id: UUID) -> None:
    """The one switch: before it the old version answers, after it the new one does. One overtaken by a newer one is retired at once."""
    corpus = lock_corpus(uow)
    version = queries.get_version(uow, version_id)
    document = queries.get_document(uow, version.document_id)
    active = uow.session.get(DocumentVersion, document.active_version_id) if document.active_version_id else None
    version.status, version.step, version.progress, version.activated_at = DocumentStatus.PROCESSED, Step.INDEXED, 100, uow.now
    if active is not None and active.number > version.number:
        uow.emit(VersionReplaced(document.id, version_id))
    else:
        corpus.version += 1
        _switch(uow, document, version, active)
    settle(uow, document.id)


def _switch(uow: UnitOfWork, document: Document, version: DocumentVersion, active: DocumentVersion | None) -> None:
    document.active_version_id = version.id
    _show(uow, version, DocumentStatus.PROCESSED)
    uow.emit(DocumentIndexed(document.id, version.id))
    if active is not None and active is not version:
        uow.emit(VersionReplaced(document.id, active.id))


def fail_version(uow: UnitOfWork, version_id: UUID, sentence: object) -> None:
    """Whatever answered before goes on answering."""
    lock_corpus(uow)
    version = queries.find_version(uow, version_id)
    if version is None or version.status in {DocumentStatus.PROCESSED, DocumentStatus.FAILED}:
        return
    version.status, version.error = DocumentStatus.FAILED, told(sentence)
    _show(uow, version, DocumentStatus.FAILED)
    uow.emit(DocumentFailed(version.document_id, version_id))
    settle(uow, version.document_id)


def _show(uow: UnitOfWork, version: DocumentVersion, status: DocumentStatus) -> None:
    """A document shows the state of its newest version."""
    document = uow.session.get(Document, version.document_id)
    if document is not None and document.version == version.number:
        document.status = status
        document.updated_at = uow.now
