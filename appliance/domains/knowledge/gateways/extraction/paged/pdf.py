"""PDF → sheets. Pages that are pictures go through text recognition."""

import marshal
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial

import pypdfium2

from appliance.domains.knowledge.gateways.extraction import forks
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.paged import flow, pdfium, scans, words
from appliance.domains.knowledge.gateways.extraction.paged.ruled import Ruler
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure, ExtractionWarning

FEW_WORDS = 5
PICTURED = 0.3
MANY_PAGES = 16


def read(content: bytes, composer: Composer, limits: Limits) -> int:
    document = _opened(content)
    try:
        pages = len(document)
        if not pages:
            raise Unreadable(ExtractionFailure.CORRUPT, "no pages")
        if pages > limits.pages:
            raise Unreadable(ExtractionFailure.TOO_MANY_PAGES, str(pages))
        meta = document.get_metadata_dict()
        composer.title, composer.author = meta.get("Title"), meta.get("Author")
        flow.compose(Sheets(document, content, composer, limits).read(), composer)
    finally:
        document.close()
    return pages


def _opened(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as problem:
        locked = "password" in str(problem).lower() or "security" in str(problem).lower()
        raise Unreadable(ExtractionFailure.ENCRYPTED if locked else ExtractionFailure.CORRUPT, str(problem)) from problem


class Sheets:
    def __init__(self, document: pypdfium2.PdfDocument, content: bytes, composer: Composer, limits: Limits) -> None:
        self.document = document
        self.composer = composer
        self.ruler = Ruler(content)
        self.scans_left = limits.ocr_pages

    def read(self) -> list[Sheet]:
        """The later half of many pages is read by a fork meanwhile; what it does not bring is read here."""
        sheets: list[Sheet] = []
        count = len(self.document)
        later = range(count // 2 + 1, count + 1)
        brought, await_fork = dict[int, Sheet](), forks.begin(partial(self._told, later)) if count >= MANY_PAGES else bytes
        for number in range(1, count + 1):
            if number == later.start:
                brought = _brought(await_fork())
            self.composer.turn_to(number, count)
            try:
                sheets.append(brought.get(number) or self._sheet(number))
            except pypdfium2.PdfiumError:
                self.composer.warn(ExtractionWarning.PAGES_UNREADABLE)
        return sheets

    def _told(self, numbers: Iterable[int]) -> bytes:
        """Of those of these pages that are readable text."""
        sheets: list[Sheet] = []
        for number in numbers:
            with suppress(pypdfium2.PdfiumError), closing(self.document[number - 1]) as page:
                sheets += filter(None, [self._written(page, number)])
        return marshal.dumps([words.flat(sheet) for sheet in sheets])

    def _sheet(self, number: int) -> Sheet:
        with closing(self.document[number - 1]) as page:
            return self._written(page, number) or self._recognised(page, number)

    def _written(self, page: pypdfium2.PdfPage, number: int) -> Sheet | None:
        """None: it is a picture."""
        frame = pdfium.Frame(page)
        sheet = Sheet(number, frame.width, frame.height, pdfium.read_words(page, frame))
        if len(sheet.words) < FEW_WORDS and pdfium.picture_share(page) > PICTURED:
            return None
        ruled, sheet.rules = pdfium.drawn_rules(page, frame)
        if ruled:
            self.ruler.take_tables(sheet)
        return sheet

    def _recognised(self, page: pypdfium2.PdfPage, number: int) -> Sheet:
        missing = None if scans.can_read() else ExtractionWarning.OCR_MISSING
        if missing or not self.scans_left:
            self.composer.warn(missing or ExtractionWarning.OCR_PAGES_SKIPPED)
            frame = pdfium.Frame(page)
            return Sheet(number, frame.width, frame.height, pdfium.read_words(page, frame))
        self.scans_left -= 1
        return scans.read_sheet(page.render(scale=scans.scale_for(*page.get_size()), grayscale=True).to_pil(), number, self.composer)


def _brought(said: bytes) -> dict[int, Sheet]:
    return {sheet.number: sheet for sheet in map(words.unflattened, marshal.loads(said))} if said else {}  # noqa: S302 - from our own fork
