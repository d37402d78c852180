"""Plain values that travel between extraction, rules, tables and answers."""

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"
    NOTE = "note"


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


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document in reading order. A row carries its cells and its table's header; level is a heading's depth."""

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    table: str | None = None
