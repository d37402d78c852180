"""Agents: the list, one agent's draft beside a bench to try it, its versions."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.errors import Refused
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, PageQuery, Schema, read_form
from appliance.domains.agents import actions, queries
from appliance.domains.agents.errors import NotProven, StaleAgent
from appliance.domains.agents.schemas import AgentIn, AgentPatch, FromTemplateIn, VersionOut
from appliance.domains.agents.types import VersionState
from appliance.domains.channels import queries as channels
from appliance.domains.conversations import queries as conversations
from appliance.domains.identity import queries as identity
from appliance.domains.knowledge import queries as knowledge
from webui import hours
from webui.studio.forms import AgentForm, NewAgentForm, values_of
from webui.studio.pages import pages
from webui.studio.words import DETAILS, OUTCOMES, REASONS, STEPS, VERDICTS, details_of
from webui.timezones import timezone_groups

READ, WRITE = "agents:read", "agents:write"
LANGUAGES = {"pt": "Português", "en": "English"}


class PublishForm(Schema):
    note: str = Field("", max_length=300)


class RollbackForm(Schema):
    number: int = Field(ge=1)


@pages.get("/agents", permission=READ, query=PageQuery)
def agents(uow: UnitOfWork, query: PageQuery) -> str:
    return _list_page(uow, Form(None, {}, {}), query)


def _list_page(uow: UnitOfWork, form: Form[NewAgentForm], query: PageQuery) -> str:
    starts = [(f"{one.kind}:{one.language}", f"{one.name} ({LANGUAGES[one.language]})") for one in queries.list_templates()]
    return render_template("studio/agents.html", page=queries.list_page(uow, query), form=form, served=_served(uow), starts=starts)


@pages.post("/agents", permission=WRITE)
def create_agent(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(NewAgentForm)
    if form.value is None:
        return _list_page(uow, form, PageQuery()), HTTPStatus.UNPROCESSABLE_ENTITY
    kind, _colon, language = form.value.template.partition(":")
    if kind:
        given = FromTemplateIn.model_validate({"kind": kind, "language": language, "name": form.value.name})
        made = actions.create_from_template(uow, given)
        flash(gettext("%(name)s is a draft. Read what it says, ask it its questions, then publish it.", name=made.name))
        return redirect(url_for("studio.agent", agent_id=made.id))
    made = actions.create_agent(uow, AgentIn(name=form.value.name), publish_now=True)
    uow.session.flush()
    flash(gettext("%(name)s is ready. Try it on the right, then give it a channel.", name=made.name))
    return redirect(url_for("studio.agent", agent_id=made.id))


@pages.get("/agents/<uuid:agent_id>", permission=READ)
def agent(uow: UnitOfWork, agent_id: UUID) -> str:
    found = queries.get_agent(uow, agent_id)
    return _page(uow, agent_id, Form(None, {}, {}), values_of(found.name, queries.get_settings(uow, agent_id)))


@pages.post("/agents/<uuid:agent_id>", permission=WRITE)
def change_agent(uow: UnitOfWork, agent_id: UUID) -> Response | tuple[str, int]:
    form = read_form(AgentForm)
    if form.value is not None:
        try:
            settings = form.value.settings(queries.get_settings(uow, agent_id))
        except (ValidationError, Refused) as err:
            form = form.refused(err)
    if form.value is None:
        shown = {**values_of("", queries.get_settings(uow, agent_id)), **form.raw}
        return _page(uow, agent_id, form, shown), HTTPStatus.UNPROCESSABLE_ENTITY
    patch = AgentPatch(name=form.value.name, settings=settings)
    try:
        actions.change_agent(uow, agent_id, patch, expected_change=form.value.changed_at)
    except StaleAgent as err:
        return _page(uow, agent_id, form, values_of(form.value.name, settings), stale=str(err)), err.status
    flash(gettext("Draft saved. Customers still get the published version."))
    return redirect(url_for("studio.agent", agent_id=agent_id))


@pages.post("/agents/<uuid:agent_id>/publish", permission=WRITE)
def publish(uow: UnitOfWork, agent_id: UUID) -> Response:
    form = read_form(PublishForm)
    try:
        version = actions.publish(uow, agent_id, note=form.value.note if form.value else "")
    except NotProven as err:
        flash(str(err), "bad")
        return redirect(url_for("studio.questions", agent_id=agent_id))
    flash(gettext("Version %(number)d answers from now on.", number=version.number))
    return redirect(url_for("studio.agent", agent_id=agent_id))


@pages.post("/agents/<uuid:agent_id>/rollback", permission=WRITE)
def roll_back(uow: UnitOfWork, agent_id: UUID) -> Response:
    form = read_form(RollbackForm)
    if form.value is not None:
        version = actions.roll_back(uow, agent_id, form.value.number)
        flash(gettext("Back to what it was: version %(number)d.", number=version.number))
    return redirect(url_for("studio.agent", agent_id=agent_id))


@pages.post("/agents/<uuid:agent_id>/delete", permission=WRITE)
def delete_agent(uow: UnitOfWork, agent_id: UUID) -> Response:
    name = queries.get_agent(uow, agent_id).name
    actions.delete_agent(uow, agent_id)
    flash(gettext("%(name)s was deleted.", name=name))
    return redirect(url_for("studio.agents"))


@pages.get("/agents/trace/<uuid:message_id>", permission=READ)
def trace(uow: UnitOfWork, message_id: UUID) -> str:
    """Why a message was answered as it was: a dialog for the inbox."""
    conversations.get_message(uow, message_id)
    run = queries.find_run(uow, message_id)
    steps = queries.list_steps(uow, [run.id]) if run else []
    names = {"step_names": STEPS, "outcomes": OUTCOMES, "reasons": REASONS, "verdict": _verdict, "details_of": details_of}
    return render_template("studio/_trace.html", run=run, steps=steps, **names)


def _page(uow: UnitOfWork, agent_id: UUID, form: Form[AgentForm], shown: dict[str, object], *, stale: str = "") -> str:
    versions = [VersionOut.model_validate(version) for version in queries.list_versions(uow, agent_id)]
    draft = next((version for version in versions if version.state is VersionState.DRAFT), None)
    published = next((version for version in versions if version.state is VersionState.PUBLISHED), None)
    return render_template(
        "studio/agent.html", agent=queries.get_agent(uow, agent_id), form=form, shown=shown, stale=stale, versions=versions,
        draft=draft, published=published, timezones=timezone_groups(str(shown["timezone"])), weekdays=hours.weekdays(),
        own_hours=hours.has_times(shown) or "timezone" in form.errors, general=hours.summary(identity.get_hours(uow).spans),
        channels=_served(uow).get(agent_id, []),
        searchable=knowledge.count_searchable(uow, agent_id if shown["knowledge"] == "agent" else None),
        words={
            "steps": _said(STEPS), "outcomes": _said(OUTCOMES), "reasons": _said(REASONS), "details": _said(DETAILS),
            "verdicts": _said({**REASONS, **VERDICTS}),
        },
    )  # fmt: skip


def _verdict(found: str) -> str:
    """A step's verdict in words; several are separated by commas."""
    known = {**REASONS, **VERDICTS}
    return ", ".join(str(known.get(part, part)) for part in found.split(", "))


def _said(words: Mapping[str, object]) -> dict[str, str]:
    """In the reader's language, now: the browser cannot wait for a lazy sentence."""
    return {key: str(sentence) for key, sentence in words.items()}


def _served(uow: UnitOfWork) -> dict[UUID, list[str]]:
    """Names of the channels each agent answers."""
    found: dict[UUID, list[str]] = {}
    for channel in channels.list_channels(uow):
        if channel.agent_id:
            found.setdefault(channel.agent_id, []).append(channel.name)
    return found
