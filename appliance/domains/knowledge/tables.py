"""Documents and their versions, chunks and postings, what was asked and what could not be answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.core.clock import now
from appliance.core.db import Base, Sealed, SealedJson, Sentence, TenantOwned
from appliance.domains.knowledge.types import DocumentStatus, Engine, GapStatus, Step


class Corpus(TenantOwned, Base):
    """One row a tenant: its version grows with every change of what can be found, and everything cached hangs on that number.

    `vectors_in`: where its vectors were last filled (`IndexStats.place`), for an index of before may still lie elsewhere.
    """

    __tablename__ = "knowledge_corpora"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    version: Mapped[int] = mapped_column(default=0)
    next_number: Mapped[int] = mapped_column(BigInteger, default=1)
    threshold: Mapped[float | None]
    dense_weights: Mapped[dict[str, Any]] = mapped_column(default=dict)
    calibrated_version: Mapped[int] = mapped_column(default=-1)
    embedding_model: Mapped[str] = mapped_column(String(120), default="")
    vectors_in: Mapped[str] = mapped_column(String(32), default="")


class Document(TenantOwned, Base):
    """`agents` empty means every agent. `active_version_id` is what answers; `status` tells of the newest version."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("tenant_id", "filename"), Index("ix_documents_listing", "tenant_id", "created_at"))

    filename: Mapped[str] = mapped_column(String(255))
    status: Mapped[DocumentStatus] = mapped_column(default=DocumentStatus.UPLOADED)
    agents: Mapped[list[str]] = mapped_column(default=list)
    tags: Mapped[list[str]] = mapped_column(default=list)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=0)
    active_version_id: Mapped[UUID | None]
    keep_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class DocumentVersion(TenantOwned, Base):
    """One upload. Its chunks bear the numbers `first_number` to `last_number`, in postings and in the vector index."""

    __tablename__ = "document_versions"
    __table_args__ = (UniqueConstraint("document_id", "number"),)

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    blob_id: Mapped[UUID]
    extraction_blob_id: Mapped[UUID | None]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(120), default="")
    step: Mapped[Step] = mapped_column(default=Step.STORED)
    status: Mapped[DocumentStatus] = mapped_column(default=DocumentStatus.UPLOADED)
    progress: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Sentence())
    warnings: Mapped[list[str]] = mapped_column(default=list)
    title: Mapped[str] = mapped_column(String(500), default="")
    author: Mapped[str] = mapped_column(String(200), default="")
    pages: Mapped[int | None]
    language: Mapped[str] = mapped_column(String(8), default="")
    claims: Mapped[dict[str, Any]] = mapped_column(default=dict)
    acronyms: Mapped[dict[str, str]] = mapped_column(default=dict)
    removed_text: Mapped[Any] = mapped_column(SealedJson(), default=list)
    embedding_model: Mapped[str] = mapped_column(String(120), default="")
    first_number: Mapped[int] = mapped_column(BigInteger, default=0)
    last_number: Mapped[int] = mapped_column(BigInteger, default=-1)
    unit_count: Mapped[int] = mapped_column(default=0)
    unit_length: Mapped[int] = mapped_column(default=0)
    chunk_length: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    activated_at: Mapped[datetime | None]

    document: Mapped[Document] = relationship(lazy="raise")


class Upload(TenantOwned, Base):
    """A file that comes in pieces (tus). Each piece is a blob of its own until the last one has come."""

    __tablename__ = "document_uploads"

    filename: Mapped[str] = mapped_column(String(255))
    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    pieces: Mapped[list[str]] = mapped_column(default=list)
    agents: Mapped[list[str]] = mapped_column(default=list)
    tags: Mapped[list[str]] = mapped_column(default=list)
    document_id: Mapped[UUID | None]
    touched_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Chunk(TenantOwned, Base):
    """`units` hold each sentence or row with its stems, so that answering does not stem again. `embedding` is float16."""

    __tablename__ = "chunks"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("version_id", "position"),
        Index("ix_chunks_version", "tenant_id", "version_id", "number"),
    )

    version_id: Mapped[UUID] = mapped_column(ForeignKey("document_versions.id", ondelete="CASCADE"))
    document_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Sealed())
    heading_path: Mapped[list[str]] = mapped_column(default=list)
    page_from: Mapped[int | None]
    page_to: Mapped[int | None]
    token_count: Mapped[int]
    char_start: Mapped[int]
    char_end: Mapped[int]
    units: Mapped[Any] = mapped_column(SealedJson())
    embedding: Mapped[bytes | None]


class Posting(TenantOwned, Base):
    """Where a stem occurs among the chunk numbers of a block, whatever documents they belong to: packed `rules.postings.ENTRY`."""

    __tablename__ = "knowledge_postings"
    __table_args__ = (UniqueConstraint("tenant_id", "block", "term"), Index("ix_knowledge_postings_term", "tenant_id", "term"))

    block: Mapped[int]
    term: Mapped[str] = mapped_column(String(64))
    packed: Mapped[bytes]


class Query(TenantOwned, Base):
    """A question somebody asked and what was answered. `fingerprint` is of all that shaped the answer, the corpus version included."""

    __tablename__ = "knowledge_queries"
    __table_args__ = (
        Index("ix_knowledge_queries_listing", "tenant_id", "created_at"),
        Index("ix_knowledge_queries_same", "tenant_id", "fingerprint"),
    )

    fingerprint: Mapped[str] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Sealed())
    answer: Mapped[str] = mapped_column(Sealed())
    sources: Mapped[Any] = mapped_column(SealedJson())
    answered: Mapped[bool]
    confident: Mapped[bool]
    emergency: Mapped[str | None] = mapped_column(String(20))
    grounded: Mapped[bool]
    confidence: Mapped[float]
    engine: Mapped[Engine]
    model: Mapped[str] = mapped_column(String(120), default="")
    language: Mapped[str] = mapped_column(String(8))
    agent_id: Mapped[UUID | None]
    conversation_id: Mapped[UUID | None]
    processing_time_ms: Mapped[int]
    tokens_used: Mapped[int] = mapped_column(default=0)
    feedback: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=now)


class AnswerGap(TenantOwned, Base):
    """A question the documents did not answer. The same one asked again only counts up."""

    __tablename__ = "answer_gaps"
    __table_args__ = (UniqueConstraint("tenant_id", "fingerprint"), Index("ix_answer_gaps_listing", "tenant_id", "status", "last_asked_at"))

    fingerprint: Mapped[str] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Sealed())
    language: Mapped[str] = mapped_column(String(8))
    agent_id: Mapped[UUID | None]
    times: Mapped[int] = mapped_column(default=1)
    status: Mapped[GapStatus] = mapped_column(default=GapStatus.OPEN)
    document_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_asked_at: Mapped[datetime] = mapped_column(default=now)
