"""Shapes in and out of the knowledge API."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from appliance.core.web import PageQuery, Schema
from appliance.domains.knowledge.types import DocumentStatus, Engine, GapStatus, Step

Tag = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class UploadedOut(Schema):
    """`notice` says, for a person, that the box already had this very file and did not read it again."""

    id: UUID
    filename: str
    status: DocumentStatus
    file_size: int
    file_type: str
    version: int
    is_new: bool
    notice: str


class DocumentOut(Schema):
    """`version` is the newest upload, `answering_version` the one that answers now."""

    id: UUID
    filename: str
    file_type: str
    file_size: int
    sha256: str
    status: DocumentStatus
    step: Step
    progress: int
    processing_error: str | None
    warnings: list[str]
    version: int
    answering_version: int | None
    language: str
    title: str
    author: str
    pages: int | None
    chunks: int
    agents: list[str]
    tags: list[str]
    keep_until: datetime | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class DocumentView(DocumentOut):
    """For pages; `name` is what people call it."""

    name: str


class DocumentQuery(PageQuery):
    status: DocumentStatus | None = None
    agent_id: UUID | None = None
    q: str = Field("", max_length=200)


class FilingIn(Schema):
    """`agents` empty: every agent may answer from it. After `keep_until` the document is deleted."""

    agents: list[UUID] = Field(default_factory=list, max_length=100)
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    metadata: dict[str, Any] = Field(default_factory=dict)
    keep_until: AwareDatetime | None = None


class ChunkOut(Schema):
    id: UUID
    position: int
    text: str
    heading_path: list[str]
    page_from: int | None
    page_to: int | None
    token_count: int
    char_start: int
    char_end: int


class TurnIn(Schema):
    role: Literal["user", "agent"]
    text: str = Field(max_length=8000)


class QuestionIn(Schema):
    query: str = Field(min_length=1, max_length=4000)
    agent_id: UUID | None = None
    conversation_id: UUID | None = None
    top_k: int = Field(5, ge=1, le=20)
    min_score: float = Field(0.0, ge=0, le=1)
    temperature: float = Field(0.2, ge=0, le=2)
    max_tokens: int = Field(300, ge=16, le=4000)
    include_sources: bool = True
    stream: bool = False
    context: list[TurnIn] = Field(default_factory=list, max_length=40)
    tags: list[str] = Field(default_factory=list, max_length=50)
    document_ids: list[UUID] = Field(default_factory=list, max_length=200)
    since: AwareDatetime | None = Field(None, description="Only documents that were read since then")


class SourceOut(Schema):
    document_id: UUID
    document_name: str
    chunk_id: UUID
    chunk_index: int
    page_number: int | None
    score: float
    excerpt: str


class AnswerOut(Schema):
    """`answered` false: it says that it does not know. `confident` false: "I found this"."""

    answer: str
    answered: bool
    confident: bool
    confidence: float
    grounded: bool
    emergency: str | None
    sources: list[SourceOut]
    query_id: UUID
    processing_time_ms: int
    engine: Engine
    model: str
    language: str
    tokens_used: int


class SourcesOut(Schema):
    query_id: UUID
    sources: list[SourceOut]


class FeedbackIn(Schema):
    """`wrong` also leaves the question among those without an answer, so that somebody writes a better one."""

    feedback: Literal["right", "wrong"]


class GapOut(Schema):
    id: UUID
    question: str
    language: str
    agent_id: UUID | None
    times: int
    status: GapStatus
    document_id: UUID | None
    created_at: datetime
    last_asked_at: datetime


class GapQuery(PageQuery):
    status: GapStatus = GapStatus.OPEN


class GapAnswerIn(Schema):
    answer: str = Field(min_length=1, max_length=20000)


class GapFilledOut(Schema):
    document_id: UUID


class ReindexedOut(Schema):
    documents: int


class JobOut(Schema):
    version_id: UUID
    document_id: UUID
    filename: str
    step: Step
    progress: int
    started_at: datetime
