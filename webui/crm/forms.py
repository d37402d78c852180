"""The form that people fill in to be called: as a page of its own, and as HTML for any site."""

from collections.abc import Iterator
from html import escape
from uuid import UUID

from flask import render_template, request

from appliance.core.i18n import gettext as _
from appliance.core.web import PUBLIC, Call
from appliance.domains.leads import queries
from appliance.domains.leads.errors import SourceNotFound
from appliance.domains.leads.schemas import FormSettings
from appliance.domains.leads.types import Doorway, FormField
from webui import branding
from webui.crm.pages import pages
from webui.theme import Pair

CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
KINDS = {FormField.EMAIL: ("email", "email"), FormField.PHONE: ("tel", "tel"), FormField.NAME: ("text", "name")}
OTHERS = {FormField.COMPANY: ("text", "organization"), FormField.REGION: ("text", "address-level2")}
_LOOK = (
    ".se-form{display:grid;gap:12px;max-width:420px}.se-form label{display:grid;gap:4px}.se-form .se-yes{display:flex;gap:8px}"
    ".se-form input,.se-form textarea,.se-form button{padding:10px;font:inherit;border:1px solid #828a99;border-radius:6px}"
    ".se-form button{border:0}.se-form .se-more{position:absolute;left:-9999px}"
)


@pages.get("/forms/<uuid:form_id>", access=PUBLIC, unit=False)
def lead_form(call: Call, form_id: UUID) -> str:
    doorway, settings = _form(call, form_id)
    campaign = {name: request.args[name][:200] for name in CAMPAIGN if request.args.get(name)}
    return render_template(
        "crm/form.html", brand=branding.brand_of(doorway.tenant_id), form_id=form_id, form=settings, kinds=KINDS | OTHERS,
        campaign=campaign, again="again" in request.args,
    )  # fmt: skip


@pages.get("/forms/<uuid:form_id>/thanks", access=PUBLIC, unit=False)
def lead_thanks(call: Call, form_id: UUID) -> str:
    doorway, settings = _form(call, form_id)
    return render_template("crm/form_thanks.html", brand=branding.brand_of(doorway.tenant_id), form=settings)


def _form(call: Call, form_id: UUID) -> tuple[Doorway, FormSettings]:
    with call.box.whole_box("lead form", read_only=True) as uow:
        doorway = queries.find_doorway(uow, form_id)
    if doorway.form is None:
        raise SourceNotFound
    return doorway, FormSettings.model_validate(doorway.form)


def snippet(address: str, form: FormSettings, labels: dict[FormField, str], colours: Pair) -> str:
    """Plain HTML that needs nothing from anywhere: labels, keyboard and screen readers work as they do in any form."""
    return "\n".join(
        [
            f"<style>{_LOOK}.se-form button{{background:{colours.accent};color:{colours.on_accent}}}</style>",
            f'<form class="se-form" method="post" action="{escape(address)}">',
            *_inputs(form, labels),
            *_below(form),
            f'  <button type="submit">{escape(_("Send"))}</button>',
            "</form>",
        ]
    )


def _below(form: FormSettings) -> Iterator[str]:
    if form.asks_message:
        yield f'  <label>{escape(_("Message"))}<textarea name="message" rows="4" maxlength="2000"></textarea></label>'
    if form.consent_text:
        yield f'  <label class="se-yes"><input type="checkbox" name="consent" value="yes"><span>{escape(form.consent_text)}</span></label>'
    empty = escape(_("Leave empty"))
    yield f'  <label class="se-more" aria-hidden="true">{empty}<input name="website" tabindex="-1" autocomplete="off"></label>'


def _inputs(form: FormSettings, labels: dict[FormField, str]) -> Iterator[str]:
    for field in form.fields:
        kind, fills = (KINDS | OTHERS)[field]
        needed = " required" if field is form.fields[0] else ""
        box = f'<input name="{field.value}" type="{kind}" autocomplete="{fills}" maxlength="200"{needed}>'
        yield f"  <label>{escape(labels[field])}{box}</label>"
