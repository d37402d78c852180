"""Bytes → Extraction: sniff, read, check that something was said."""

import re
from collections.abc import Callable

from appliance.domains.knowledge.gateways.extraction import cleaning, sniff
from appliance.domains.knowledge.gateways.extraction.composer import Composer, Progress
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.sniff import MediaType
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import Block, BlockKind, Extraction, ExtractionFailure, ExtractionWarning

Reader = Callable[[bytes, Composer, Limits], int | None]
TITLE_SEARCH = 12
_FILLED_IN = re.compile(
    r"\.(?:html?|docx?|pdf|tmp|indd|pptx?|xlsx?|odt|dwg|cdr|rtf)$|^\(?(?:anonymous|untitled|unknown|unspecified|user|usu[aá]rio|admin|openpyxl|"
    r"python-docx|documento?\s?\d*|powerpoint presentation|apresenta[cç][aã]o do powerpoint|sem t[ií]tulo|slide \d+)\)?$", re.IGNORECASE)
NO_FREE_NAMES = frozenset({MediaType.TEXT, MediaType.MARKDOWN, MediaType.CSV, MediaType.JSON})


def extract(content: bytes, filename: str, limits: Limits, progress: Progress | None = None, *, depth: int = 0) -> Extraction:
    """`depth` counts the documents around this one. Raises Unreadable."""
    if len(content) > limits.file_bytes:
        raise Unreadable(ExtractionFailure.TOO_LARGE)
    kind = sniff.media_type(content, filename, limits)
    composer = Composer(progress)
    if _is_misnamed(kind, sniff.extension(filename)):
        composer.warn(ExtractionWarning.WRONG_EXTENSION)
    pages = _reader(kind, depth)(content, composer, limits)
    if not composer.blocks:
        missing = ExtractionWarning.OCR_MISSING in composer.warnings
        raise Unreadable(ExtractionFailure.OCR_MISSING if missing else ExtractionFailure.NO_TEXT)
    return Extraction(
        title=said(composer.title) or _first_heading(composer.blocks), author=said(composer.author), pages=pages,
        media_type=kind, blocks=tuple(composer.blocks), warnings=tuple(composer.warnings),
    )


def _is_misnamed(kind: MediaType, ending: str) -> bool:
    """Plain text may be called anything but what is never plain text."""
    if kind in NO_FREE_NAMES:
        return any(ending in sniff.EXTENSIONS[other] for other in sniff.NEVER_TEXT)
    return bool(ending) and ending not in sniff.EXTENSIONS[kind]


def load(filename: str) -> None:
    """Import what files called so may need: a name, not a byte of the content."""
    ending = sniff.extension(filename)
    for kind, endings in sniff.EXTENSIONS.items():
        if ending in endings:
            _reader(kind, 0)


def said(meta: str | None) -> str | None:
    """A title or author that a person gave, not what a program fills in."""
    text = cleaning.line(meta or "").removeprefix("Microsoft Word - ").removeprefix("Microsoft PowerPoint - ")
    return None if not text or _FILLED_IN.search(text) else text


def _first_heading(blocks: list[Block]) -> str | None:
    return next((block.text for block in blocks[:TITLE_SEARCH] if block.kind is BlockKind.HEADING and block.source is None), None)


def _reader(kind: MediaType, depth: int) -> Reader:  # noqa: C901, PLR0911 - one line a format
    """Libraries are imported only for the format at hand."""
    from appliance.domains.knowledge.gateways.extraction import delimited, plain

    if kind in sniff.IMAGES:
        from appliance.domains.knowledge.gateways.extraction import images
        return images.read
    match kind:
        case MediaType.PDF:
            from appliance.domains.knowledge.gateways.extraction.paged import pdf
            return pdf.read
        case MediaType.DOCX:
            from appliance.domains.knowledge.gateways.extraction import word
            return word.read
        case MediaType.XLSX:
            from appliance.domains.knowledge.gateways.extraction import workbook
            return workbook.read
        case MediaType.PPTX:
            from appliance.domains.knowledge.gateways.extraction import slides
            return slides.read
        case MediaType.HTML:
            from appliance.domains.knowledge.gateways.extraction import web
            return web.read
        case MediaType.MARKDOWN:
            from appliance.domains.knowledge.gateways.extraction import markdown
            return markdown.read
        case MediaType.MAIL:
            from appliance.domains.knowledge.gateways.extraction import mail
            return lambda content, composer, limits: mail.read(content, composer, limits, depth)
        case MediaType.CSV:
            return delimited.read
        case MediaType.JSON:
            return plain.read_json
        case _:
            return plain.read
