"""The program that listens to a linked number: where it is told, in whose words, and how it fares."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Call, Schema, parse, read_form
from appliance.domains.feeds import actions, queries
from appliance.domains.feeds.schemas import FeedIn, FeedOut
from appliance.domains.feeds.types import Shape
from webui.studio.kinds import walls
from webui.studio.pages import pages

if TYPE_CHECKING:
    from appliance.core.uow import UnitOfWork

LISTEN = "feeds:write"
SHAPES = ((Shape.BAILEYS.value, _("Baileys")), (Shape.EVOLUTION.value, _("Evolution API v2")))


class FeedForm(Schema):
    shape: Shape
    url: str = Field("", max_length=2000)
    active: bool = False
    with_files: bool = False


def panel(uow: UnitOfWork, channel_id: UUID) -> dict[str, object]:
    row = queries.find_feed(uow, channel_id)
    feed = FeedOut.model_validate(row) if row else None
    home = uow.box.settings.public_url
    host = (urlsplit(feed.url).hostname or "") if feed else ""
    return {
        "feed": feed, "feed_shapes": SHAPES, "feed_host": host, "feed_wall": walls.wall_before(uow.box, (host,)),
        "evolution_home": f"{home}/evolution", "socket_address": f"{home.replace('http', 'ws', 1)}/ws/whatsapp/{channel_id}",
    }  # fmt: skip


@pages.post("/channels/<uuid:channel_id>/feed", permission=LISTEN)
def set_feed(uow: UnitOfWork, channel_id: UUID) -> Response:
    form = read_form(FeedForm)
    if form.value is None:
        flash(gettext("Enter an address that begins with https:// or http://."), "bad")
        return _back(channel_id)
    known = queries.find_feed(uow, channel_id)
    said = form.value.model_dump()
    said["events"] = known.events if known is not None and known.shape is form.value.shape else []
    try:
        actions.set_feed(uow, channel_id, parse(FeedIn, said))
    except DomainError as err:
        flash(str(err), "bad")
    else:
        flash(gettext("Saved."))
    return _back(channel_id)


@pages.post("/channels/<uuid:channel_id>/feed/secret", permission=LISTEN)
def renew_feed_secret(uow: UnitOfWork, channel_id: UUID) -> str:
    return render_template("studio/_feed_said.html", secret=actions.renew_secret(uow, channel_id).secret, problem="")


@pages.post("/channels/<uuid:channel_id>/feed/test", permission=LISTEN, unit=False)
def try_feed(call: Call, channel_id: UUID) -> str:
    with call.unit(read_only=True) as uow:
        queries.get_feed(uow, channel_id)
    problem = ""
    try:
        actions.try_out(call.box, call.who.tenant_id, channel_id)
    except DomainError as err:
        problem = str(err)
    return render_template("studio/_feed_said.html", secret="", problem=problem)


@pages.post("/channels/<uuid:channel_id>/feed/end", permission=LISTEN)
def drop_feed(uow: UnitOfWork, channel_id: UUID) -> Response:
    queries.get_feed(uow, channel_id)
    actions.drop_feed(uow, channel_id)
    flash(gettext("Nothing is told any more."))
    return _back(channel_id)


def _back(channel_id: UUID) -> Response:
    return redirect(url_for("studio.channel", channel_id=channel_id))
