"""What a company keeps ready for its inbox: labels, quick replies, macros, teams."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, Schema, read_form
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.types import MAX_TEXT, VARIABLES, LabelColour
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from webui.fields import Name
from webui.inbox.deadlines import PRIORITIES
from webui.inbox.pages import MANAGE, pages

Tab = Literal["labels", "replies", "macros", "teams"]
Answer = Response | tuple[str, int]
F = TypeVar("F", bound=Schema)

COLOURS = {
    LabelColour.GREY: _("Grey"),
    LabelColour.TEAL: _("Teal"),
    LabelColour.ORANGE: _("Orange"),
    LabelColour.BLUE: _("Blue"),
    LabelColour.PINK: _("Pink"),
    LabelColour.OLIVE: _("Olive"),
}
STATES = {
    "": _("Leave it open"),
    "pending": _("Waiting for the customer"),
    "snoozed": _("Put aside until the customer writes"),
    "resolved": _("Resolved"),
}


FIND: Mapping[Tab, Callable[[UnitOfWork, UUID], Any]] = {
    "labels": queries.get_label,
    "replies": queries.get_quick_reply,
    "macros": queries.get_macro,
    "teams": queries.get_team,
}


class SettingsQuery(Schema):
    tab: Tab = "labels"
    edit: UUID | None = None


class LabelForm(Schema):
    name: Name
    colour: LabelColour = LabelColour.GREY


class ReplyForm(Schema):
    shortcut: Name
    text: Name = Field(max_length=MAX_TEXT)


class MacroForm(Schema):
    """`labels` are separated by commas; `assign` is nothing, me, nobody, somebody's id, or `team:` and a team's."""

    name: Name
    labels: str = Field("", max_length=500)
    priority: str = Field("", max_length=20)
    note: str = Field("", max_length=MAX_TEXT)
    assign: str = Field("", max_length=50)
    reply: str = Field("", max_length=MAX_TEXT)
    status: str = Field("", max_length=20)

    def wanted(self) -> schemas.MacroIn:
        """Raises pydantic.ValidationError."""
        labels = [label.strip() for label in self.labels.split(",") if label.strip()]
        whom = self.assign.removeprefix("team:")
        steps = {
            "labels": labels, "note": self.note, "reply": self.reply, "status": self.status or None, "priority": self.priority or None,
            ("team" if self.assign.startswith("team:") else "assign"): whom or None,
        }  # fmt: skip
        return schemas.MacroIn.model_validate({"name": self.name, "steps": steps})


class TeamForm(Schema):
    name: Name
    members: list[UUID] = Field(default_factory=list, max_length=200)
    deals: bool = False
    takes_handoffs: bool = False

    def wanted(self) -> dict[str, Any]:
        return {**self.model_dump(exclude={"members"}), "member_ids": self.members}


@pages.get("/inbox/settings", permission=MANAGE, query=SettingsQuery)
def settings(uow: UnitOfWork, query: SettingsQuery) -> str:
    return _page(uow, query, Form(None, {}, {}))


@pages.post("/inbox/settings/labels", permission=MANAGE)
def create_label(uow: UnitOfWork) -> Answer:
    return _saved(uow, LabelForm, SettingsQuery(tab="labels"), lambda form: actions.create_label(uow, _label(form)))


@pages.post("/inbox/settings/labels/<uuid:label_id>", permission=MANAGE)
def change_label(uow: UnitOfWork, label_id: UUID) -> Answer:
    query = SettingsQuery(tab="labels", edit=label_id)
    return _saved(uow, LabelForm, query, lambda form: actions.change_label(uow, label_id, _label(form)))


@pages.post("/inbox/settings/labels/<uuid:label_id>/delete", permission=MANAGE)
def delete_label(uow: UnitOfWork, label_id: UUID) -> Response:
    actions.delete_label(uow, label_id)
    return _deleted("labels")


@pages.post("/inbox/settings/replies", permission=MANAGE)
def create_reply(uow: UnitOfWork) -> Answer:
    return _saved(uow, ReplyForm, SettingsQuery(tab="replies"), lambda form: actions.create_quick_reply(uow, _reply(form)))


@pages.post("/inbox/settings/replies/<uuid:quick_reply_id>", permission=MANAGE)
def change_reply(uow: UnitOfWork, quick_reply_id: UUID) -> Answer:
    query = SettingsQuery(tab="replies", edit=quick_reply_id)
    return _saved(uow, ReplyForm, query, lambda form: actions.change_quick_reply(uow, quick_reply_id, _reply(form)))


@pages.post("/inbox/settings/replies/<uuid:quick_reply_id>/delete", permission=MANAGE)
def delete_reply(uow: UnitOfWork, quick_reply_id: UUID) -> Response:
    actions.delete_quick_reply(uow, quick_reply_id)
    return _deleted("replies")


@pages.post("/inbox/settings/macros", permission=MANAGE)
def create_macro(uow: UnitOfWork) -> Answer:
    return _saved(uow, MacroForm, SettingsQuery(tab="macros"), lambda form: actions.create_macro(uow, form.wanted()))


@pages.post("/inbox/settings/macros/<uuid:macro_id>", permission=MANAGE)
def change_macro(uow: UnitOfWork, macro_id: UUID) -> Answer:
    def change(form: MacroForm) -> object:
        wanted = form.wanted()
        return actions.change_macro(uow, macro_id, schemas.MacroPatch(name=wanted.name, steps=wanted.steps))

    return _saved(uow, MacroForm, SettingsQuery(tab="macros", edit=macro_id), change)


@pages.post("/inbox/settings/macros/<uuid:macro_id>/delete", permission=MANAGE)
def delete_macro(uow: UnitOfWork, macro_id: UUID) -> Response:
    actions.delete_macro(uow, macro_id)
    return _deleted("macros")


@pages.post("/inbox/settings/teams", permission=MANAGE)
def create_team(uow: UnitOfWork) -> Answer:
    def create(form: TeamForm) -> object:
        return actions.create_team(uow, schemas.TeamIn.model_validate(form.wanted()))

    return _saved(uow, TeamForm, SettingsQuery(tab="teams"), create)


@pages.post("/inbox/settings/teams/<uuid:team_id>", permission=MANAGE)
def change_team(uow: UnitOfWork, team_id: UUID) -> Answer:
    def change(form: TeamForm) -> object:
        return actions.change_team(uow, team_id, schemas.TeamPatch.model_validate(form.wanted()))

    return _saved(uow, TeamForm, SettingsQuery(tab="teams", edit=team_id), change)


@pages.post("/inbox/settings/teams/<uuid:team_id>/delete", permission=MANAGE)
def delete_team(uow: UnitOfWork, team_id: UUID) -> Response:
    actions.delete_team(uow, team_id)
    return _deleted("teams")


def _label(form: LabelForm) -> dict[str, Any]:
    return schemas.LabelIn.model_validate(form.model_dump()).model_dump()


def _reply(form: ReplyForm) -> dict[str, Any]:
    return schemas.QuickReplyIn.model_validate({**form.model_dump(), "shortcut": form.shortcut.lstrip("/").lower()}).model_dump()


def _saved(uow: UnitOfWork, schema: type[F], query: SettingsQuery, save: Callable[[F], object]) -> Answer:
    form = read_form(schema)
    if form.value is not None:
        try:
            save(form.value)
        except (ValidationError, DomainError) as err:
            form = _refused(form, err)
    if form.value is None:
        return _page(uow, query, form), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(gettext("Saved."))
    return redirect(url_for("inbox.settings", tab=query.tab))


def _refused(form: Form[F], err: ValidationError | DomainError) -> Form[F]:
    """Each objection at the field it is about: the last part of `steps.reply`; what is about none stands above the form."""
    fields = {name.split(".")[-1]: sentence for name, sentence in form.refused(err).errors.items()}
    known = {name: sentence for name, sentence in fields.items() if name in form.raw}
    over = [sentence for name, sentence in fields.items() if name not in known]
    return Form(None, {**known, **({"": " ".join(over)} if over else {})}, form.raw)


def _deleted(tab: Tab) -> Response:
    flash(gettext("Deleted."))
    return redirect(url_for("inbox.settings", tab=tab))


def _page(uow: UnitOfWork, query: SettingsQuery, form: Form[Any]) -> str:
    """Raises NotFound for one to be edited that is not there."""
    rows: dict[str, Any] = {
        "labels": queries.list_labels(uow), "replies": queries.list_quick_replies(uow), "macros": queries.list_macros(uow),
        "teams": queries.list_teams(uow),
    }  # fmt: skip
    edited = FIND[query.tab](uow, query.edit) if query.edit else None
    values = form.raw or (_values_of(query.tab, edited) if edited else {})
    teams = {str(team.id): team.name for team in rows["teams"]}
    members = [(str(one.user_id), one.name) for one in identity.list_members(uow, MembersQuery(limit=200)).items]
    return render_template(
        "inbox/settings.html", query=query, rows=rows[query.tab], edited=edited, values=values, errors=form.errors,
        colours=COLOURS.items(), states=STATES.items(), state_names=STATES, variables=VARIABLES,
        assignees=[("", _("Leave as it is")), ("me", _("Who runs it")), ("nobody", _("Nobody")), *members, *_choices_of(teams)],
        member_names=dict(members), members=members, teams=teams,
        priorities=[("", _("Leave as it is")), *PRIORITIES.items()], priority_names=PRIORITIES,
        chosen_members=request.form.getlist("members") or values.get("members", ()),
    )  # fmt: skip


def _choices_of(teams: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"team:{key}", gettext("Team: %(name)s", name=name)) for key, name in teams.items()]


def _values_of(tab: Tab, row: Any) -> Mapping[str, object]:
    if tab == "labels":
        return {"name": row.name, "colour": row.colour.value}
    if tab == "replies":
        return {"shortcut": row.shortcut, "text": row.text}
    if tab == "teams":
        members = [str(member.user_id) for member in row.members]
        return {"name": row.name, "deals": row.deals, "takes_handoffs": row.takes_handoffs, "members": members}
    steps = {name: value or "" for name, value in row.steps.items()}
    if steps.get("team"):
        steps["assign"] = f"team:{steps['team']}"
    return {**steps, "name": row.name, "labels": ", ".join(row.steps["labels"])}
