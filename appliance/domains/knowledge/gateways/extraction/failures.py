"""Each failure in a sentence for the person who sent the file."""

from collections.abc import Mapping

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.knowledge.types import ExtractionFailure

SENTENCES: Mapping[ExtractionFailure, object] = {
    ExtractionFailure.EMPTY: _("The file is empty. Check it on your computer and send it again."),
    ExtractionFailure.NO_TEXT: _("There is no text to read in this file."),
    ExtractionFailure.ENCRYPTED: _("The file is protected by a password. Save a copy without the password and send that one."),
    ExtractionFailure.CORRUPT: _("The file is damaged. Open it in its own program, save it again and send the new copy."),
    ExtractionFailure.ZIP_BOMB: _("The file unpacks to far more content than is safe to open. Split it into smaller files."),
    ExtractionFailure.TOO_LARGE: _("The file is too large. Split it into smaller files and send them one by one."),
    ExtractionFailure.TOO_MANY_PAGES: _("The file has too many pages. Split it into smaller files and send them one by one."),
    ExtractionFailure.UNSUPPORTED: _(
        "This kind of file cannot be read. Send PDF, Word, Excel, PowerPoint, CSV, HTML, text, e-mail or an image."),
    ExtractionFailure.LEGACY_OFFICE: _("This file was saved in an old Office format. Save it as DOCX, XLSX or PPTX and send it again."),
    ExtractionFailure.OCR_MISSING: _("This file is an image, and text recognition is not installed on this box."),
    ExtractionFailure.TIMED_OUT: _("Reading this file took too long. Split it into smaller files and send them one by one."),
    ExtractionFailure.OUT_OF_MEMORY: _("Reading this file needs more memory than this box allows. Split it into smaller files."),
    ExtractionFailure.OPEN_QUOTE: _("A quotation mark in this file is never closed. Close it and send the file again."),
}


class ExtractionError(Refused):
    """`detail` is for the log, never for the person."""

    def __init__(self, failure: ExtractionFailure, detail: str = "", *, line: int | None = None) -> None:
        super().__init__(_open_quote(line) if failure is ExtractionFailure.OPEN_QUOTE and line else SENTENCES[failure])
        self.failure = failure
        self.detail = detail


def _open_quote(line: int) -> object:
    return _("The quotation mark that opens on line %(line)s is never closed. Close it and send the file again.", line=line)
