"""The form that people fill in to be called: as a page of its own, and as HTML for any site."""

from collections.abc import Iterator, Mapping
from html import escape
from http import HTTPStatus
from uuid import UUID

from flask import Response, current_app, render_template, request

from appliance.core.i18n import gettext as _
from appliance.core.web import PUBLIC, Call
from appliance.domains.leads import queries
from appliance.domains.leads.errors import SourceNotFound
from appliance.domains.leads.schemas import FormSettings
from appliance.domains.leads.types import Doorway, FormField
from webui import branding
from webui.crm.pages import pages
from webui.static_files import StaticTree
from webui.theme import Pair

CHECK_SCRIPT = "/forms/check.js"
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
KINDS = {FormField.EMAIL: ("email", "email"), FormField.PHONE: ("tel", "tel"), FormField.NAME: ("text", "name")}
OTHERS = {FormField.COMPANY: ("text", "organization"), FormField.REGION: ("text", "address-level2")}
WAYS = frozenset({FormField.EMAIL, FormField.PHONE})
_LOOK = (
    ".se-form{display:grid;gap:12px;max-width:420px}.se-form label{display:grid;gap:4px}.se-form .se-yes{display:flex;gap:8px}"
    ".se-form input,.se-form textarea,.se-form button{padding:10px;font:inherit;border:1px solid #828a99;border-radius:6px}"
    ".se-form button{border:0}.se-form .se-more{position:absolute;left:-9999px}"
)


@pages.get("/forms/<uuid:form_id>", access=PUBLIC, unit=False)
def lead_form(call: Call, form_id: UUID) -> str:
    return _drawn(call, form_id, request.args, {}, again=request.args.get("again", ""))


@pages.post("/forms/<uuid:form_id>/again", access=PUBLIC, unit=False)
def lead_form_again(call: Call, form_id: UUID) -> tuple[str, int]:
    """Where a form that was refused comes back to, with all that was typed."""
    return _drawn(call, form_id, request.form, request.form, again=request.args.get("again") or "1"), HTTPStatus.UNPROCESSABLE_ENTITY


def _drawn(call: Call, form_id: UUID, said: Mapping[str, str], typed: Mapping[str, str], *, again: str) -> str:
    doorway, settings = _form(call, form_id)
    campaign = {name: said[name][:200] for name in CAMPAIGN if said.get(name)}
    return render_template(
        "crm/form.html", brand=branding.brand_of(doorway.tenant_id), form_id=form_id, form=settings, kinds=KINDS | OTHERS,
        needed=needed(settings), either=either(settings), campaign=campaign, typed=typed, again=again, hinted=hinted(settings),
    )  # fmt: skip


def needed(form: FormSettings) -> set[FormField]:
    """The first field, and the only one by which somebody can be reached."""
    ways = [field for field in form.fields if field in WAYS]
    return {form.fields[0], *(ways if len(ways) == 1 else ())}


def either(form: FormSettings) -> frozenset[FormField]:
    """Fields of which one has to be filled in."""
    return WAYS if set(form.fields) >= WAYS and not needed(form) & WAYS else frozenset()


def hinted(form: FormSettings) -> FormField | None:
    """The field at which that is said: the first of them."""
    return next((field for field in form.fields if field in either(form)), None)


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


def check_script() -> Response:
    """What a form on any site carries to do its sum. It stands at one address, since sites are not changed with the box."""
    tree: StaticTree = current_app.extensions["static_tree"]
    response = tree.respond("", "js/crm/form-check.js")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def snippet(address: str, form: FormSettings, labels: dict[FormField, str], colours: Pair) -> str:
    """Plain HTML that needs nothing from anywhere: labels, keyboard and screen readers work as they do in any form."""
    site = address.rpartition("/forms/")[0]
    checked = f' data-check="{escape(address)}/check"' if form.keeps_programs_out else ""
    script = [f'<script src="{escape(site + CHECK_SCRIPT)}"></script>'] if form.keeps_programs_out else []
    return "\n".join(
        [
            f"<style>{_LOOK}.se-form button{{background:{colours.accent};color:{colours.on_accent}}}</style>",
            f'<form class="se-form" method="post" action="{escape(address)}"{checked}>',
            *_inputs(form, labels),
            *_below(form),
            f'  <button type="submit">{escape(_("Send"))}</button>',
            "</form>",
            *script,
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
    enough = _("An e-mail or a phone number is enough.")
    for field in form.fields:
        kind, fills = (KINDS | OTHERS)[field]
        must = " required" if field in needed(form) else ""
        hint = f"<small>{escape(enough)}</small>" if field is hinted(form) else ""
        box = f'<input name="{field.value}" type="{kind}" autocomplete="{fills}" maxlength="200"{must}>'
        yield f"  <label>{escape(labels[field])}{hint}{box}</label>"
