"""Channels: what is connected, how it fares, and how to connect WhatsApp's Cloud API."""

from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.box import Box
from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.outbound import NotAllowed
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, PageQuery, Schema, read_form
from appliance.core.web.problems import refusal_of
from appliance.domains.agents import queries as agents
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import WHATSAPP_CLOUD
from webui.addresses import is_public
from webui.inbox.presenting import ICONS
from webui.studio.pages import pages
from webui.studio.words import CHANNEL_STATES, QUALITIES

READ, WRITE = "channels:read", "channels:write"
WEBHOOK_PATH = "/webhooks/whatsapp"


class ChannelForm(Schema):
    name: str = Field(min_length=1, max_length=120)
    agent_id: UUID | None = None
    external_id: str = Field("", max_length=120)
    access_token: str = Field("", max_length=2000)
    app_secret: str = Field("", max_length=200)
    verify_token: str = Field("", max_length=200)

    @property
    def secrets(self) -> dict[str, str]:
        return self.model_dump(include={"access_token", "app_secret", "verify_token"})


class ChannelChangeForm(ChannelForm):
    active: bool = False


@pages.get("/channels", permission=READ, query=PageQuery)
def channels(uow: UnitOfWork, query: PageQuery) -> str:
    page = queries.list_page(uow, query)
    names = {agent.id: agent.name for agent in agents.list_agents(uow)}
    rejected = queries.list_rejected(uow, PageQuery(limit=5))
    return render_template(
        "studio/channels.html", page=page, agent_names=names, kind_of=queries.kind_of, icons=ICONS, states=CHANNEL_STATES, rejected=rejected
    )


@pages.get("/channels/new", permission=WRITE)
def new_channel(uow: UnitOfWork) -> str:
    return _form_page(uow, Form(None, {}, {}))


@pages.post("/channels/new", permission=WRITE)
def create_channel(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(ChannelForm)
    if form.value is None:
        return _form_page(uow, form), HTTPStatus.UNPROCESSABLE_ENTITY
    given = form.value
    try:
        wanted = ChannelIn(
            kind=WHATSAPP_CLOUD, name=given.name, agent_id=given.agent_id, external_id=given.external_id,
            secrets=given.secrets,
        )  # fmt: skip
        made = actions.create_channel(uow, wanted)
        uow.session.flush()
    except ValidationError as err:
        return _form_page(uow, form.refused(refusal_of(err))), HTTPStatus.UNPROCESSABLE_ENTITY
    except DomainError as err:
        return _form_page(uow, Form(None, {"external_id": str(err)}, form.raw)), err.status
    flash(gettext("Saved. Now point Meta's webhook at this box, as shown below."))
    return redirect(url_for("studio.channel", channel_id=made.id))


@pages.get("/channels/<uuid:channel_id>", permission=READ)
def channel(uow: UnitOfWork, channel_id: UUID) -> str:
    return _form_page(uow, Form(None, {}, {}), channel_id)


@pages.post("/channels/<uuid:channel_id>", permission=WRITE)
def change_channel(uow: UnitOfWork, channel_id: UUID) -> Response | tuple[str, int]:
    form = read_form(ChannelChangeForm)
    if form.value is None:
        return _form_page(uow, form, channel_id), HTTPStatus.UNPROCESSABLE_ENTITY
    given = form.value
    patch = ChannelPatch(name=given.name, agent_id=given.agent_id, active=given.active, secrets=given.secrets)
    actions.change_channel(uow, channel_id, patch)
    flash(gettext("Saved."))
    return redirect(url_for("studio.channels"))


@pages.post("/channels/<uuid:channel_id>/check", permission=WRITE, unit=False)
def check_channel(call: Call, channel_id: UUID) -> str:
    """The verdict as a fragment of the channel's page; what was typed there stays."""
    with call.unit(read_only=True) as uow:
        account = queries.get_account(uow, channel_id)
    ours = _webhook(call.box)
    try:
        found = actions.check_connection(call.box, account)
    except DomainError as err:
        return render_template("studio/_checkup.html", problem=str(err), found=None)
    return render_template("studio/_checkup.html", problem="", found=found, quality=QUALITIES[found.quality], webhook=ours)


@pages.post("/channels/<uuid:channel_id>/delete", permission=WRITE)
def delete_channel(uow: UnitOfWork, channel_id: UUID) -> Response:
    try:
        actions.delete_channel(uow, channel_id)
    except DomainError as err:
        flash(str(err), "bad")
        return redirect(url_for("studio.channel", channel_id=channel_id))
    flash(gettext("The channel was deleted."))
    return redirect(url_for("studio.channels"))


def _form_page(uow: UnitOfWork, form: Form[ChannelForm] | Form[ChannelChangeForm], channel_id: UUID | None = None) -> str:
    found = queries.get_channel(uow, channel_id) if channel_id else None
    shown: dict[str, object] = {"name": found.name, "agent_id": found.agent_id or "", "external_id": found.external_id} if found else {}
    return render_template(
        "studio/channel.html", channel=found, kind=queries.kind_of(found.kind if found else WHATSAPP_CLOUD), form=form,
        shown={**shown, **form.raw}, states=CHANNEL_STATES, walled=_walled(uow.box),
        agents=[(agent.id, agent.name) for agent in agents.list_agents(uow)],
        webhook=_webhook(uow.box), is_public=is_public(_webhook(uow.box)),
    )  # fmt: skip


def _walled(box: Box) -> str:
    """Why this box may not call Meta, with the setting to change; empty when it may."""
    try:
        box.outbound.check_allowed(urlsplit(box.settings.channels.graph_url).hostname or "")
    except NotAllowed as err:
        return str(err)
    return ""


def _webhook(box: Box) -> str:
    return f"{box.settings.public_url}{WEBHOOK_PATH}"
