"""Whether the vector index still holds what the database says; the database is the truth, the index can be made again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, func, or_, select

from appliance.core.box import Box
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries.corpus import find_corpus
from appliance.domains.knowledge.queries.retrieval import vector_namespace
from appliance.domains.knowledge.rules import digest
from appliance.domains.knowledge.tables import Chunk, Corpus, Document, DocumentVersion
from appliance.inference.types import Halves, Inference, VectorIndex

SLICE = 500
ReadUnit = Callable[[], AbstractContextManager[UnitOfWork]]


@dataclass(frozen=True, slots=True)
class Expected:
    """`needed` vectors answer now; `known` also counts versions on their way in or out. `foreign`: not by today's embedder."""

    needed: int
    known: int
    foreign: int


def list_tenants(uow: UnitOfWork) -> list[UUID]:
    """Those that ever had a document; asked in the box scope."""
    return list(uow.session.scalars(select(Corpus.tenant_id)))


def vectors_are_sound(box: Box, tenant_id: UUID) -> bool:
    """False: lost, filled elsewhere, short, holding too many, or made by another model. Raises Unavailable. Opens its own units."""
    with box.unit(tenant_id, read_only=True) as uow:
        corpus = find_corpus(uow)
        place = corpus.vectors_in if corpus is not None and has_vectors(uow) else None
    return vectors_are_all_there(box, tenant_id, place)


def vectors_are_all_there(box: Box, tenant_id: UUID, place: str | None = None) -> bool:
    """By their model, their number and, where it is named, their place. Raises Unavailable. Opens its own unit."""
    state = box.part(Inference).ready()
    with box.unit(tenant_id, read_only=True) as uow:
        expected = expect_vectors(uow, box.settings.models.embedding_model)
    if state.ready and state.embedding_model and expected.foreign:
        return False
    stats = box.part(VectorIndex).index_stats(vector_namespace(tenant_id))
    if stats.state == "missing":
        return expected.needed == 0
    if place is not None and stats.place != place:
        return False
    return expected.needed <= stats.count <= expected.known


def expect_vectors(uow: UnitOfWork, model: str) -> Expected:
    known = uow.session.scalar(select(func.count(Chunk.id)).where(Chunk.embedding.is_not(None))) or 0
    active = select(func.count(Chunk.id)).where(_answers())
    needed = uow.session.scalar(active.where(Chunk.embedding.is_not(None))) or 0
    other = or_(DocumentVersion.embedding_model != model, Chunk.embedding.is_(None))
    foreign = uow.session.scalar(active.join(DocumentVersion, DocumentVersion.id == Chunk.version_id).where(other)) or 0
    return Expected(needed, known, foreign)


def has_vectors(uow: UnitOfWork) -> bool:
    """Of an active version: then the index must exist already."""
    wanted = select(Chunk.id).where(_answers(), Chunk.embedding.is_not(None))
    return uow.session.scalar(wanted.limit(1)) is not None


def _answers() -> ColumnElement[bool]:
    """Chunks of active versions; as a join, SQLite would look through all documents for each chunk."""
    return Chunk.version_id.in_(select(Document.active_version_id))


def list_foreign_versions(uow: UnitOfWork, model: str) -> list[UUID]:
    """Active versions that another model embedded, or none."""
    wanted = select(DocumentVersion.id).join(Document, Document.active_version_id == DocumentVersion.id)
    return list(uow.session.scalars(wanted.where(DocumentVersion.embedding_model != model).order_by(DocumentVersion.first_number)))


def list_unembedded(uow: UnitOfWork, version_id: UUID | None, limit: int, *, after: UUID | None = None) -> list[tuple[UUID, str]]:
    """(chunk, the text to embed) of one version, or of all active ones, in order of number; `after` is a chunk's id."""
    wanted = select(Chunk.id, Chunk.text, DocumentVersion.title).join(DocumentVersion, DocumentVersion.id == Chunk.version_id)
    if after is not None:
        wanted = wanted.where(Chunk.number > select(Chunk.number).where(Chunk.id == after).scalar_subquery())
    of = _answers() if version_id is None else Chunk.version_id == version_id
    rows = uow.session.execute(wanted.where(of, Chunk.embedding.is_(None)).order_by(Chunk.number).limit(limit))
    return [(chunk_id, digest.embedded(title, text)) for chunk_id, text, title in rows]


def count_unembedded(uow: UnitOfWork, version_id: UUID) -> int:
    return uow.session.scalar(select(func.count(Chunk.id)).where(Chunk.version_id == version_id, Chunk.embedding.is_(None))) or 0


def read_vectors(read: ReadUnit) -> Iterator[tuple[list[int], Halves]]:
    """All that are stored, by number, a slice to a unit of its own."""
    last = 0
    while True:
        with read() as uow:
            stored = select(Chunk.number, Chunk.embedding).where(Chunk.embedding.is_not(None), Chunk.number > last)
            rows = uow.session.execute(stored.order_by(Chunk.number).limit(SLICE)).all()
        if not rows:
            return
        last = rows[-1][0]
        yield [number for number, _ in rows], np.stack([np.frombuffer(packed or b"", np.float16) for _, packed in rows])
