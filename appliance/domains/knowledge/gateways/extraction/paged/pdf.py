"""PDF → sheets. Pages that are pictures go through text recognition."""

import pypdfium2

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.paged import flow, pdfium, scans
from appliance.domains.knowledge.gateways.extraction.paged.ruled import Ruler
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure, ExtractionWarning

FEW_WORDS = 5
PICTURED = 0.3


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
        sheets: list[Sheet] = []
        count = len(self.document)
        for number in range(1, count + 1):
            self.composer.turn_to(number, count)
            try:
                page = self.document[number - 1]
                sheets.append(self._sheet(page, number))
                page.close()
            except pypdfium2.PdfiumError:
                self.composer.warn(ExtractionWarning.PAGES_UNREADABLE)
        return sheets

    def _sheet(self, page: pypdfium2.PdfPage, number: int) -> Sheet:
        frame = pdfium.Frame(page)
        sheet = Sheet(number, frame.width, frame.height, pdfium.read_words(page, frame))
        if len(sheet.words) < FEW_WORDS and pdfium.picture_share(page) > PICTURED:
            return self._recognised(page, sheet)
        ruled, sheet.rules = pdfium.drawn_rules(page, frame)
        if ruled:
            self.ruler.take_tables(sheet)
        return sheet

    def _recognised(self, page: pypdfium2.PdfPage, sheet: Sheet) -> Sheet:
        if not scans.can_read():
            self.composer.warn(ExtractionWarning.OCR_MISSING)
            return sheet
        if not self.scans_left:
            self.composer.warn(ExtractionWarning.OCR_PAGES_SKIPPED)
            return sheet
        self.scans_left -= 1
        return scans.read_sheet(page.render(scale=scans.scale_for(*page.get_size()), grayscale=True).to_pil(), sheet.number, self.composer)
