"""How documents and answers are shown."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.knowledge.schemas import DocumentView
from appliance.domains.knowledge.types import DocumentStatus, ExtractionWarning, Step

STEPS: tuple[tuple[Step, object, object], ...] = (
    (Step.STORED, _("Received"), _("Waiting to be read")),
    (Step.EXTRACTED, _("Text read"), _("Splitting into passages")),
    (Step.CHUNKED, _("Split"), _("Making it searchable")),
    (Step.EMBEDDED, _("Vectors made"), _("Going live")),
    (Step.INDEXED, _("Live"), _("Live")),
)
NOTICES: Mapping[ExtractionWarning, object] = {
    ExtractionWarning.OCR_MISSING: _("Some pages are images, and text recognition is not installed: they were left out."),
    ExtractionWarning.OCR_PAGES_SKIPPED: _("Only the first scanned pages were read; the rest were left out."),
    ExtractionWarning.OCR_UNSURE: _("Parts of the scan are hard to read. Check the text."),
    ExtractionWarning.PAGES_UNREADABLE: _("Some pages could not be read and were left out."),
    ExtractionWarning.HIDDEN_SHEETS: _("The workbook has hidden sheets: they were read too."),
    ExtractionWarning.ATTACHMENT_SKIPPED: _("An attachment could not be read and was left out."),
    ExtractionWarning.FORMULAS_WITHOUT_VALUES: _("Some formulas hold no calculated value. Open the workbook, save it and send it again."),
    ExtractionWarning.WRONG_EXTENSION: _("The file is not what its name says; it was read by its content."),
    ExtractionWarning.ENCODING_GUESSED: _("The file does not say how its letters are encoded. Check the accents."),
}
CALLED: Mapping[str, object] = {
    "text/plain": _("plain text"),
    "text/markdown": _("plain text"),
    "text/csv": _("a table as text (CSV)"),
    "text/html": _("a web page"),
    "message/rfc822": _("an e-mail"),
    "application/json": _("data as JSON"),
    "application/pdf": _("a PDF"),
}
_ORDER = [step for step, _done, _doing in STEPS]


def pips(document: DocumentView) -> list[str]:
    """One mark a step: on, now, err or empty."""
    reached = _ORDER.index(document.step) if document.step in _ORDER else 0
    if document.status is DocumentStatus.PROCESSED:
        return ["on"] * len(_ORDER)
    marks = ["on" if place <= reached else "" for place in range(len(_ORDER))]
    following = min(reached + 1, len(_ORDER) - 1)
    marks[following] = "err" if document.status is DocumentStatus.FAILED else "now"
    return marks


def state_of(document: DocumentView) -> tuple[str, str]:
    """A short sentence and its colour."""
    if document.status is DocumentStatus.FAILED:
        return gettext("Could not be read."), "bad"
    if document.status is DocumentStatus.PROCESSED:
        if document.warnings:
            return gettext("Live, with a remark"), "warn"
        if document.version > 1:
            return gettext("Live, version %(number)d", number=document.version), "muted"
        return gettext("Live"), "muted"
    doing = next((str(words) for step, _done, words in STEPS if step is document.step), "")
    return (f"{doing} · {document.progress}%" if 0 < document.progress < 100 else doing), "info"  # noqa: PLR2004 - per cent


def steps_of(document: DocumentView) -> list[tuple[str, str]]:
    """Every step's name with "done", "now", "err" or ""."""
    classes = {"on": "done", "now": "now", "err": "err", "": ""}
    return [(str(done), classes[mark]) for (_step, done, _doing), mark in zip(STEPS, pips(document), strict=True)]


def notices_of(document: DocumentView) -> list[str]:
    """What was left out of it, or is to be looked at."""
    return [_notice(ExtractionWarning(warning), document) for warning in document.warnings]


def _notice(warning: ExtractionWarning, document: DocumentView) -> str:
    called = CALLED.get(document.file_type)
    if warning is not ExtractionWarning.WRONG_EXTENSION or called is None:
        return str(NOTICES[warning])
    ending = PurePosixPath(document.filename).suffix
    return gettext("The file is called %(ending)s, but holds %(kind)s: it was read as that. If that is not what you meant, "
                   "save it anew in the program that made it and send it again.", ending=ending, kind=called)  # fmt: skip
