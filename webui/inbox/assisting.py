"""The card that says what a conversation is about, and the menu of what a language model can do with a text."""

from uuid import UUID

from flask import render_template

from appliance.core.i18n import current_language
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Call
from appliance.domains.agents import actions
from appliance.domains.agents.types import FactKind, Language, Mood, Way
from appliance.inference.types import Inference, Readiness
from webui.inbox.pages import READ, WRITE, pages

SMALL_MODEL = "qwen2.5-1.5b-instruct-q4"  # of the catalogue; runs on eight gigabytes without a graphics card
MOODS = {
    Mood.PLEASED: (_("pleased"), "ok"),
    Mood.CALM: (_("calm"), ""),
    Mood.WORRIED: (_("worried"), "warn"),
    Mood.UPSET: (_("upset"), "bad"),
}
FACTS = {
    FactKind.ORDER: "note",
    FactKind.AMOUNT: "tag",
    FactKind.DATE: "calendar",
    FactKind.TIME: "clock",
    FactKind.QUANTITY: "list",
    FactKind.CODE: "note",
    FactKind.CONTACT: "phone",
    FactKind.LINK: "link",
}
TONES = (
    (Way.SHORTER, _("Shorter"), "fit"),
    (Way.FRIENDLIER, _("Friendlier"), "smile"),
    (Way.FORMAL, _("More formal"), "building"),
)
LANGUAGES = {
    Language.PORTUGUESE: _("Portuguese"),
    Language.ENGLISH: _("English"),
    Language.SPANISH: _("Spanish"),
    Language.FRENCH: _("French"),
    Language.GERMAN: _("German"),
    Language.ITALIAN: _("Italian"),
}


@pages.get("/inbox/<uuid:conversation_id>/summary", permission=READ, unit=False)
def summary(call: Call, conversation_id: UUID) -> str:
    """What is known at once; whether a model could say it better."""
    with call.unit(read_only=True) as uow:
        found = actions.read_summary(uow, conversation_id)
    is_wanted = found.written is None and bool(found.excerpt.wishes) and call.who.can(WRITE)
    can_write = is_wanted and _ready(call).can_write
    return render_template("inbox/_summary.html", found=found, can_write=can_write, moods=MOODS, fact_icons=FACTS)


@pages.get("/inbox/assist", permission=READ, unit=False)
def assist(call: Call) -> str:
    ready = _ready(call)
    return render_template(
        "inbox/_assist.html", can_write=ready.can_write, reason=ready.reason, tones=TONES, languages=LANGUAGES.items(),
        here=current_language(), model=SMALL_MODEL,
    )  # fmt: skip


def _ready(call: Call) -> Readiness:
    return call.box.part(Inference).ready()
