"""Plain values that travel between extraction, rules, tables and answers."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

ANSWERS_TAG = "answers"  # on the documents that fill gaps


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    FAQ_QUESTION = "faq_question"
    FAQ_ANSWER = "faq_answer"
    FOOTNOTE = "footnote"
    NOTE = "note"
    CODE = "code"


class ExtractionWarning(StrEnum):
    OCR_MISSING = "ocr_missing"
    OCR_PAGES_SKIPPED = "ocr_pages_skipped"
    OCR_UNSURE = "ocr_unsure"
    PAGES_UNREADABLE = "pages_unreadable"
    HIDDEN_SHEETS = "hidden_sheets"
    ATTACHMENT_SKIPPED = "attachment_skipped"
    FORMULAS_WITHOUT_VALUES = "formulas_without_values"
    WRONG_EXTENSION = "wrong_extension"
    ENCODING_GUESSED = "encoding_guessed"


class ExtractionFailure(StrEnum):
    EMPTY = "empty"
    NO_TEXT = "no_text"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    ZIP_BOMB = "zip_bomb"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    UNSUPPORTED = "unsupported"
    LEGACY_OFFICE = "legacy_office"
    OCR_MISSING = "ocr_missing"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OPEN_QUOTE = "open_quote"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document in reading order, below the headings of `heading_path`.

    A row carries its cells, its table's header and number. `paragraph` groups what was written in one breath. `superseded` is text
    that a newer message in the same file answers. `source` names an attachment the block came from.
    """

    kind: BlockKind
    text: str
    page: int | None = None
    level: int | None = None
    heading_path: tuple[str, ...] = ()
    table_header: tuple[str, ...] | None = None
    cells: tuple[str, ...] | None = None
    table: int | None = None
    paragraph: int = 0
    superseded: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was read from a file. `pages` counts pages, slides or sheets; `media_type` is what the content is, whatever its name."""

    title: str | None
    author: str | None
    pages: int | None
    media_type: str
    warnings: tuple[ExtractionWarning, ...]
    blocks: tuple[Block, ...]


class DocumentStatus(StrEnum):
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    PROCESSED = "processed"
    FAILED = "failed"


UNFINISHED = (DocumentStatus.UPLOADED, DocumentStatus.PROCESSING)


class Step(StrEnum):
    """Where a version stands on its way into the index."""

    STORED = "stored"
    EXTRACTED = "extracted"
    CHUNKED = "chunked"
    EMBEDDED = "embedded"
    INDEXED = "indexed"


class GapStatus(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    DISMISSED = "dismissed"


class Engine(StrEnum):
    """Who wrote an answer."""

    EXTRACTIVE = "extractive"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Source:
    """What `[n]` points to. `score` is calibrated: one half means as good as chance would be."""

    document_id: UUID
    document_name: str
    chunk_id: UUID
    chunk_index: int
    page_number: int | None
    score: float
    excerpt: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`answered` is False when it says that it does not know; `confident` is False for "I found this". `confidence` is 0 to 1."""

    query_id: UUID
    text: str
    answered: bool
    confident: bool
    grounded: bool
    confidence: float
    sources: tuple[Source, ...]
    engine: Engine
    model: str
    language: str
    emergency: str | None
    processing_time_ms: int
    tokens_used: int
