"""How documents and answers are shown."""

from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.knowledge.schemas import DocumentView
from appliance.domains.knowledge.types import DocumentStatus, Step

STEPS: tuple[tuple[Step, object, object], ...] = (
    (Step.STORED, _("Received"), _("Waiting to be read")),
    (Step.EXTRACTED, _("Text read"), _("Splitting into passages")),
    (Step.CHUNKED, _("Split"), _("Making it searchable")),
    (Step.EMBEDDED, _("Vectors made"), _("Going live")),
    (Step.INDEXED, _("Live"), _("Live")),
)
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
        if document.version > 1:
            return gettext("Live, version %(number)d", number=document.version), "muted"
        return gettext("Live"), "muted"
    doing = next((str(words) for step, _done, words in STEPS if step is document.step), "")
    return (f"{doing} · {document.progress}%" if 0 < document.progress < 100 else doing), "info"  # noqa: PLR2004 - per cent


def steps_of(document: DocumentView) -> list[tuple[str, str]]:
    """Every step's name with "done", "now", "err" or ""."""
    classes = {"on": "done", "now": "now", "err": "err", "": ""}
    return [(str(done), classes[mark]) for (_step, done, _doing), mark in zip(STEPS, pips(document), strict=True)]
