"""What happens to documents. Ids only."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class DocumentStored:
    """A file is safe on the box and waits to be read."""

    document_id: UUID
    version_id: UUID


@dataclass(frozen=True)
class DocumentProgressed:
    """For whoever watches: another step or another tenth done."""

    document_id: UUID
    step: str
    progress: int


@dataclass(frozen=True)
class DocumentIndexed:
    """The new version answers from now on; the one before, if any, does not."""

    document_id: UUID
    version_id: UUID


@dataclass(frozen=True)
class VersionReplaced:
    """It answers no more: its chunks and vectors may go."""

    document_id: UUID
    version_id: UUID


@dataclass(frozen=True)
class DocumentFailed:
    document_id: UUID
    version_id: UUID


@dataclass(frozen=True)
class CorpusSettled:
    """Documents came in or gave up, and no other is on its way: time to measure the corpus anew."""

    document_id: UUID


@dataclass(frozen=True)
class CorpusMeasured:
    """What counts as sure is known for this state of the corpus."""

    corpus_version: int


@dataclass(frozen=True)
class DocumentDeleted:
    """Rows are gone; the vectors of these numbers follow."""

    document_id: UUID
    first_number: int
    last_number: int


@dataclass(frozen=True)
class VectorsLost:
    """The vector index is missing, short or of another model; words answer until it is made again. `seen_by` is who noticed."""

    seen_by: str

    @property
    def ordering_key(self) -> str:
        return "vectors"


@dataclass(frozen=True)
class VectorsRebuilt:
    """The index holds again what the database holds."""

    corpus_version: int


@dataclass(frozen=True)
class ReindexRequested:
    """The next documents are read again, those after `after_document` (the nil id: from the first)."""

    after_document: UUID
    until_document: UUID


@dataclass(frozen=True)
class QuestionAnswered:
    query_id: UUID
    answered: bool


@dataclass(frozen=True)
class AnswerGapFound:
    gap_id: UUID


@dataclass(frozen=True)
class AnswerGapFilled:
    gap_id: UUID
    document_id: UUID
