"""Channels: what is connected, how it fares, and how to connect another. What differs by kind is in `webui.studio.kinds`."""

from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.errors import DomainError, NotFound
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, PageQuery, Schema, read_form
from appliance.domains.agents import queries as agents
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelOut, ChannelPatch
from webui.inbox.presenting import ICONS
from webui.studio.kinds import KINDS, page_of
from webui.studio.kinds.page import ChannelForm, KindPage
from webui.studio.pages import pages
from webui.studio.words import CHANNEL_STATES, NOT_UNDERSTOOD

READ, WRITE = "channels:read", "channels:write"
F = TypeVar("F", bound=ChannelForm)


class ChannelsQuery(PageQuery):
    """`rejected`: the page of what was not understood."""

    rejected: int = Field(1, ge=1, le=10_000)


class KindQuery(Schema):
    kind: str = Field("", max_length=40)


@pages.get("/channels", permission=READ, query=ChannelsQuery)
def channels(uow: UnitOfWork, query: ChannelsQuery) -> str:
    page = queries.list_page(uow, query)
    names = {agent.id: agent.name for agent in agents.list_agents(uow)}
    rejected = queries.list_rejected(uow, PageQuery(page=query.rejected, limit=5))
    return render_template(
        "studio/channels.html", page=page, agent_names=names, kind_of=queries.kind_of, icons=ICONS, states=CHANNEL_STATES,
        rejected=rejected, not_understood=NOT_UNDERSTOOD,
        channel_names={channel.id: channel.name for channel in queries.list_channels(uow)},
    )  # fmt: skip


@pages.get("/channels/new", permission=WRITE, query=KindQuery)
def new_channel(uow: UnitOfWork, query: KindQuery) -> str:
    if not query.kind:
        return render_template("studio/new_channel.html", kinds=KINDS.values(), kind_of=queries.kind_of, icons=ICONS)
    return form_page(uow, _connectable(query.kind), Form(None, {}, {}))


@pages.post("/channels/new", permission=WRITE, query=KindQuery)
def create_channel(uow: UnitOfWork, query: KindQuery) -> Response | tuple[str, int]:
    page, kind = _connectable(query.kind), queries.kind_of(query.kind)
    form = read_form(page.form)
    if form.value is None:
        return form_page(uow, page, form), HTTPStatus.UNPROCESSABLE_ENTITY
    given = form.value
    try:
        wanted = ChannelIn(
            kind=kind.name, name=given.name, agent_id=given.agent_id, external_id=given.external_id,
            config=given.config_of(kind), secrets=given.secrets_of(kind),
        )  # fmt: skip
        made = actions.create_channel(uow, wanted)
        uow.session.flush()
    except (ValidationError, DomainError) as err:
        again, status = refused(page, form, err)
        return form_page(uow, page, again), status
    around = page.around(uow.box, ChannelOut.model_validate(made))
    said = gettext("Saved. It begins once the way out is open.") if around.get("wall") else str(page.made) or gettext("Saved.")
    flash(str(around.get("made", said)))
    return redirect(url_for("studio.channel", channel_id=made.id))


@pages.get("/channels/<uuid:channel_id>", permission=READ)
def channel(uow: UnitOfWork, channel_id: UUID) -> str:
    found = ChannelOut.model_validate(queries.get_channel(uow, channel_id))
    return form_page(uow, page_of(found.kind), Form(None, {}, {}), found)


@pages.post("/channels/<uuid:channel_id>", permission=WRITE)
def change_channel(uow: UnitOfWork, channel_id: UUID) -> Response | tuple[str, int]:
    found = ChannelOut.model_validate(queries.get_channel(uow, channel_id))
    page, kind = page_of(found.kind), queries.kind_of(found.kind)
    form = read_form(page.form)
    if form.value is None:
        return form_page(uow, page, form, found), HTTPStatus.UNPROCESSABLE_ENTITY
    given = form.value
    try:
        patch = ChannelPatch(
            name=given.name, agent_id=given.agent_id, active=given.active, per_second=given.pace_of(kind),
            config=given.config_of(kind), secrets=given.secrets_of(kind),
        )  # fmt: skip
        actions.change_channel(uow, channel_id, patch)
    except (ValidationError, DomainError) as err:
        again, status = refused(page, form, err)
        return form_page(uow, page, again, found), status
    flash(gettext("Saved."))
    return redirect(url_for("studio.channels"))


@pages.post("/channels/<uuid:channel_id>/check", permission=WRITE, unit=False)
def check_channel(call: Call, channel_id: UUID) -> str:
    """The verdict as a fragment of the channel's page; what was typed there stays."""
    with call.unit(read_only=True) as uow:
        account = queries.get_account(uow, channel_id)
    problem, found = "", None
    try:
        found = actions.check_connection(call.box, account)
    except DomainError as err:
        problem = str(err)
    around = page_of(account.kind).around(call.box, None)
    return render_template("studio/_checkup.html", kind=account.kind, problem=problem, found=found, **around)


@pages.post("/channels/<uuid:channel_id>/delete", permission=WRITE)
def delete_channel(uow: UnitOfWork, channel_id: UUID) -> Response:
    try:
        actions.delete_channel(uow, channel_id)
    except DomainError as err:
        flash(str(err), "bad")
        return redirect(url_for("studio.channel", channel_id=channel_id))
    flash(gettext("The channel was deleted."))
    return redirect(url_for("studio.channels"))


def _connectable(kind: str) -> KindPage:
    if kind not in KINDS:
        raise NotFound(_("This box knows no such kind of channel."))
    return KINDS[kind]


def refused(page: KindPage, form: Form[F], err: ValidationError | DomainError) -> tuple[Form[F], HTTPStatus]:
    """The form again, each sentence at its field; what belongs to no field of this form stands above it."""
    errors = form.refused(err).errors
    bare = {name.removeprefix("config.").removeprefix("secrets.").partition(".")[0]: said for name, said in errors.items()}
    status = err.status if isinstance(err, DomainError) else HTTPStatus.UNPROCESSABLE_ENTITY
    return Form(None, {name if name in page.form.model_fields else "": said for name, said in bare.items()}, form.raw), status


def form_page(
    uow: UnitOfWork, page: KindPage, form: Form[ChannelForm], found: ChannelOut | None = None, *, secret: str = ""
) -> str:
    """`secret`: what is shown this once."""
    kind, kept = queries.kind_of(page.name), dict[str, object]()
    panel = page.panel(uow, found) if found else {}
    if found:
        kept = {"name": found.name, "agent_id": found.agent_id or "", "external_id": found.external_id, "active": found.active}
        kept["per_second"] = f"{found.per_second or kind.per_second:g}" if kind.per_second else ""
        kept |= page.form.shown(found.config)
    return render_template(
        "studio/channel.html", channel=found, page=page, kind=kind, form=form, shown=form.raw or kept,
        states=CHANNEL_STATES, agents=[(agent.id, agent.name) for agent in agents.list_agents(uow)],
        secret=secret, **(page.around(uow.box, found) | panel),
    )  # fmt: skip
