"""Templates: the list with what Meta says of each, and the editor with its live preview."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from markupsafe import Markup
from pydantic import ValidationError
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext, ngettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, Schema, read_form
from appliance.domains.channels import actions, queries
from appliance.domains.channels.queries import MessageTemplate
from appliance.domains.channels.schemas import TemplateIn, TemplateOut, TemplatePatch, TemplatesQuery
from appliance.domains.channels.types import WRITABLE, Button, Parts, TemplateKind
from webui.chosen_files import Chosen, chosen_file
from webui.studio import whatsapp_marks
from webui.studio.kinds.cloud import wall_before_meta
from webui.studio.pages import pages
from webui.studio.template_forms import ROWS, TemplateForm
from webui.studio.template_words import BUTTON_ICONS, BUTTONS, CATEGORIES, HEADER_ICONS, HEADERS, KINDS, LANGUAGES, SOURCES, STATES, gap
from webui.studio.words import QUALITIES

READ, WRITE = "templates:read", "templates:write"
Answer = Response | tuple[str, int]


class NewQuery(Schema):
    """`copy_of`: the template to begin with."""

    kind: TemplateKind = TemplateKind.WHATSAPP
    copy_of: UUID | None = None


class KindQuery(Schema):
    kind: TemplateKind = TemplateKind.WHATSAPP


@pages.get("/templates", permission=READ, query=TemplatesQuery)
def templates(uow: UnitOfWork, query: TemplatesQuery) -> str:
    return render_template(
        "studio/templates.html", page=queries.list_templates(uow, query), query=query, kinds=KINDS, states=STATES, qualities=QUALITIES,
        language_names=LANGUAGES, accounts=queries.list_template_accounts(uow), wall=wall_before_meta(uow.box),
    )  # fmt: skip


@pages.get("/templates/new", permission=WRITE, query=NewQuery)
def new_template(uow: UnitOfWork, query: NewQuery) -> str:
    model = TemplateOut.model_validate(queries.get_template(uow, query.copy_of)) if query.copy_of else None
    kind = model.kind if model else query.kind
    kept = {**_kept(model), "name": ""} if model else {}
    return _page(uow, kind, Form(None, {}, {}), kept=kept, parts=model.parts if model else Parts())


@pages.post("/templates/new", permission=WRITE, query=KindQuery, unit=False)
def create_template(call: Call, query: KindQuery) -> Answer:
    with chosen_file(call) as chosen, call.unit() as uow:
        return _save(uow, query.kind, chosen, lambda given: actions.create_template(uow, _wanted(query.kind, given)))


@pages.get("/templates/<uuid:template_id>", permission=READ)
def template(uow: UnitOfWork, template_id: UUID) -> str:
    found = TemplateOut.model_validate(queries.get_template(uow, template_id))
    return _page(uow, found.kind, Form(None, _open_problems(found), {}), found, kept=_kept(found), parts=found.parts)


@pages.post("/templates/<uuid:template_id>", permission=WRITE, unit=False)
def change_template(call: Call, template_id: UUID) -> Answer:
    with chosen_file(call) as chosen, call.unit() as uow:
        found = TemplateOut.model_validate(queries.get_template(uow, template_id))
        return _save(uow, found.kind, chosen, lambda given: actions.change_template(uow, template_id, _patch(found, given)), found)


@pages.post("/templates/<uuid:template_id>/file/delete", permission=WRITE)
def drop_file(uow: UnitOfWork, template_id: UUID) -> Response:
    try:
        actions.drop_sample(uow, template_id)
        flash(gettext("The file no longer goes along."))
    except DomainError as err:
        flash(str(err), "bad")
    return redirect(url_for("studio.template", template_id=template_id))


@pages.post("/templates/<uuid:template_id>/delete", permission=WRITE)
def delete_template(uow: UnitOfWork, template_id: UUID) -> Response:
    try:
        actions.delete_template(uow, template_id)
    except DomainError as err:
        flash(str(err), "bad")
        return redirect(url_for("studio.template", template_id=template_id))
    flash(gettext("The template was deleted."))
    return redirect(url_for("studio.templates"))


@pages.post("/templates/sync", permission=WRITE, unit=False)
def sync_templates(call: Call) -> Response:
    try:
        found = actions.sync_templates(call.box, call.unit)
        said = ngettext(
            "WhatsApp has %(count)s template; it is up to date here.", "WhatsApp has %(count)s templates; they are up to date here.",
            found.templates, count=found.templates,
        )  # fmt: skip
        flash(said)
    except DomainError as err:
        flash(str(err), "bad")
    return redirect(url_for("studio.templates"))


@pages.post("/templates/preview", permission=WRITE, query=KindQuery)
def preview_template(uow: UnitOfWork, query: KindQuery) -> str:
    """As its reader would get it, with what is typed now; and the places that are in it."""
    form = read_form(TemplateForm)
    given = form.value or TemplateForm()
    return render_template("studio/_template_live.html", **_live(uow, query.kind, given.name, given.parts(), given))


def _wanted(kind: TemplateKind, given: TemplateForm) -> TemplateIn:
    channel = {"channel_id": given.channel_id} if given.channel_id else {}
    said = {"kind": kind, "name": given.name, "language": given.language, "category": given.category, "parts": given.parts(), **channel}
    return TemplateIn.model_validate(said)


def _patch(found: TemplateOut, given: TemplateForm) -> TemplatePatch:
    """Of one that WhatsApp has only what fills its places."""
    if found.status not in WRITABLE:
        return TemplatePatch(parts=replace(found.parts, variables=given.variables()))
    own = {"parts": given.parts(), "category": given.category}
    return TemplatePatch.model_validate(own if found.provider_id else {**own, "name": given.name, "language": given.language})


def _save(
    uow: UnitOfWork, kind: TemplateKind, chosen: Chosen, write: Callable[[TemplateForm], MessageTemplate], found: TemplateOut | None = None
) -> Answer:
    """With the file that came along, or neither."""
    form = read_form(TemplateForm)
    if form.value is None or chosen.problem:
        errors = {**form.errors, **({"file": chosen.problem} if chosen.problem else {})}
        return _page(uow, kind, Form(form.value, errors, form.raw), found), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        with uow.session.begin_nested():
            template_id = write(form.value).id
            if chosen.upload:
                actions.keep_sample(uow, template_id, chosen.upload)
    except (ValidationError, DomainError) as err:
        return _refused(uow, kind, form, err, found)
    return _saved(uow, template_id, form.value.then)


def _saved(uow: UnitOfWork, template_id: UUID, then: str) -> Response:
    said, kind = gettext("Saved."), ""
    if then == "submit":
        try:
            actions.submit_template(uow, template_id)
            said = gettext("Saved, and on its way to WhatsApp. The verdict comes within minutes, sometimes a day.")
        except DomainError as err:
            said, kind = gettext("Saved, not handed in. %(why)s", why=str(err)), "bad"
    flash(said, *([kind] if kind else []))
    return redirect(url_for("studio.template", template_id=template_id))


def _open_problems(found: TemplateOut) -> dict[str, str]:
    """What a draft still lacks before Meta may see it, at its fields."""
    if found.status not in WRITABLE:
        return {}
    return {name: str(said) for name, said in queries.problems_of(
        found.kind, found.name, found.category, found.parts, has_file=found.sample is not None
    ).items()}


def _refused(
    uow: UnitOfWork, kind: TemplateKind, form: Form[TemplateForm], err: ValidationError | DomainError, found: TemplateOut | None = None
) -> tuple[str, int]:
    bare = {name.removeprefix("parts.").partition(".")[0]: said for name, said in form.refused(err).errors.items()}
    status = err.status if isinstance(err, DomainError) else HTTPStatus.UNPROCESSABLE_ENTITY
    return _page(uow, kind, Form(form.value, bare, form.raw), found), status


def _kept(found: TemplateOut) -> dict[str, Any]:
    own = {"name": found.name, "language": found.language, "category": found.category, "channel_id": found.channel_id}
    return own | {name: getattr(found.parts, name) for name in ("header", "media", "body", "footer", "advice", "minutes")}


def _page(
    uow: UnitOfWork, kind: TemplateKind, form: Form[TemplateForm], found: TemplateOut | None = None, *,
    kept: dict[str, Any] | None = None, parts: Parts | None = None,
) -> str:  # fmt: skip
    shown = form.raw or kept or {}
    file_name = found.sample.filename if found and found.sample else ""
    said = parts if parts is not None and not form.raw else (form.value.parts() if form.value else Parts(body=str(shown.get("body", ""))))
    locked = found is not None and found.status not in WRITABLE
    return render_template(
        "studio/template.html", template=found, kinds=KINDS, form=form, shown=shown, locked=locked, states=STATES,
        qualities=QUALITIES, categories=CATEGORIES, language_names=_languages(str(shown.get("language", ""))), buttons=_rows(kind, said),
        button_kinds=BUTTONS, account_choices=[(row.id, row.name) for row in queries.list_template_accounts(uow)],
        pieces=queries.list_pieces(uow) if kind is not TemplateKind.CHAT else (),
        uses=queries.list_uses(uow, queries.get_template(uow, found.id)) if found and kind is TemplateKind.PIECE else (),
        **_live(uow, kind, str(shown.get("name", "")), said, file_name=file_name),
    )  # fmt: skip


def _languages(own: str) -> list[tuple[str, object]]:
    return list(({own: own} | LANGUAGES if own else LANGUAGES).items())


def _rows(kind: TemplateKind, parts: Parts) -> list[Button]:
    spare = max(ROWS.get(kind, 0) - len(parts.buttons), 0)
    return [*parts.buttons, *[Button() for _ in range(spare)]]


def _live(
    uow: UnitOfWork, kind: TemplateKind, name: str, parts: Parts, given: TemplateForm | None = None, *, file_name: str = ""
) -> dict[str, Any]:  # fmt: skip
    """The preview, and one row for each place: its field and its example as they are typed."""
    if given is not None:
        parts = queries.own_words(kind, given.category, given.language, parts)
    whole = queries.whole_parts(uow, kind, parts)
    typed = {variable.name: variable for variable in parts.variables}
    found = queries.slots_of(kind, whole)
    sample = {slot: _sample(slot, typed[slot].source if slot in typed else "") for slot in found}
    filled = queries.fill(uow, kind, parts, {**sample, **queries.example_values(kind, parts)})
    category = given.category if given else None
    has_file = given is not None and bool(given.file_name)
    problems = queries.problems_of(kind, name, category, parts, has_file=has_file) if category and parts.body else {}
    if kind in {TemplateKind.EMAIL, TemplateKind.PIECE}:
        problems |= queries.problems_of_pieces(name, parts.body, queries.pieces_of(uow), is_piece=kind is TemplateKind.PIECE)
    return {
        "kind": kind, "filled": filled, "media": parts.media, "header_kinds": HEADERS, "header_icons": HEADER_ICONS,
        "file_name": given.file_name if given else file_name,
        "slots": [slot for slot in found if not slot.startswith(queries.OF_BUTTONS) and slot not in SOURCES],
        "typed": typed, "sources": SOURCES, "problems": problems, "sample": sample,
        "preview_html": Markup(filled.html) if filled.html else whatsapp_marks.as_html(filled.body),  # noqa: S704 - cleaned by nh3
        "preview_buttons": [(button.text or BUTTONS.get(button.kind, ""), BUTTON_ICONS[button.kind]) for button in whole.buttons],
    }  # fmt: skip


def _sample(slot: str, source: str) -> str:
    return SOURCES[source or slot][1] if (source or slot) in SOURCES else gap(slot)
