import json
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from uuid import UUID

from flask import Response, current_app, make_response, render_template, request, url_for

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import PUBLIC, Call, Pages, current_box
from appliance.core.web.api import count_unrecognised
from appliance.domains.channels import queries
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.schemas import WebchatSettings
from appliance.domains.conversations.types import MAX_TEXT
from webui import branding, theme
from webui.policy import policy
from webui.static_files import StaticTree

pages = Pages("chat", __name__)
SCRIPT = "/chat/<string(length=32):key>.js"  # the length tells it from a page
COLOUR = "/chat/<string(length=32):key>.<digest>.css"
KEPT_S = 5.0
MOST_KEPT = 1000
NOTHING = b"/* This chat is closed. */\n"


@dataclass(frozen=True)
class Front:
    """What everybody may know of a chat."""

    key: str
    channel_id: UUID
    tenant_id: UUID
    is_open: bool
    settings: WebchatSettings

    @property
    def colour(self) -> str:
        """The channel's own, else the brand's."""
        own = self.settings.colour
        return own if own != branding.OUR_COLOUR else theme.parse_colour(branding.brand_of(self.tenant_id).colour) or own

    @property
    def digest(self) -> str:
        return sha256(self.colour.encode()).hexdigest()[:12]

    @property
    def shown_by(self) -> str:
        return " ".join(("'self'", *self.settings.origins))


_kept: dict[str, tuple[float, Front]] = {}


def front_of(key: str) -> Front:
    """Kept in memory for a moment: every page of a busy site asks. Raises ChannelNotFound."""
    kept = _kept.get(key)
    if kept and monotonic() - kept[0] < KEPT_S:
        return kept[1]
    with current_box().whole_box("chat of a page", read_only=True) as uow:
        try:
            channel = queries.get_chat(uow, key)
        except ChannelNotFound:
            count_unrecognised()
            raise
        is_open = queries.is_chat_open(uow, channel)
        front = Front(key, channel.id, channel.tenant_id, is_open, WebchatSettings.model_validate(channel.config))
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = (monotonic(), front)
    return front


def forget_all() -> None:
    _kept.clear()


def script(key: str) -> Response:
    """The one line a site carries points here. In the language of who asks."""
    front = front_of(key)
    body = NOTHING
    if front.is_open or front.settings.offline:
        tree: StaticTree = current_app.extensions["static_tree"]
        loader = tree.files["js/chat/loader.js"].body.decode().rstrip().rstrip(";")
        body = f"({loader})({json.dumps(_told(front))});\n".encode()
    response = Response(body, mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Vary"] = "Accept-Language"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.add_etag()
    response.make_conditional(request)
    return response


def _told(front: Front) -> dict[str, object]:
    colours = theme.theme_for(front.colour)
    return {
        "key": front.key,
        "page": url_for("chat.chat", key=front.key),
        "side": front.settings.position,
        "light": [colours.light.accent, colours.light.on_accent],
        "dark": [colours.dark.accent, colours.dark.on_accent],
        "title": front.settings.title,
        "open": gettext("Open the chat"),
        "close": gettext("Close the chat"),
        "unread": gettext("unread"),
    }


def stylesheet(key: str, digest: str) -> Response:
    del digest  # it only makes the address new when the colour is
    sheet = theme.theme_for(front_of(key).colour).stylesheet()
    return Response(sheet, mimetype="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


@pages.get("/chat/<string:key>", access=PUBLIC, unit=False)
def chat(call: Call, key: str) -> Response:
    """What the script opens in a frame; opened by itself it is a page to send people to."""
    del call
    front = front_of(key)
    response = make_response(render_template(
        "chat/chat.html", brand=branding.brand_of(front.tenant_id), front=front, chat=front.settings, max_text=MAX_TEXT,
    ))  # fmt: skip
    response.headers["Content-Security-Policy"] = policy(shown_by=front.shown_by)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.get("/chat/<string:key>/site", permission="channels:write")
def example_site(uow: UnitOfWork, key: str) -> Response:
    """A page of the box that carries the chat as a site would, so that it can be tried before any site has it."""
    response = make_response(render_template("chat/site.html", channel=queries.get_chat(uow, key)))
    response.headers["Content-Security-Policy"] = policy(shows="'self'")
    return response
