"""Chat on the company's own pages: how it looks, where it may be shown, and the one line those pages carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from flask import url_for
from markupsafe import Markup
from pydantic import Field

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import WEBCHAT
from webui.addresses import is_public
from webui.studio.forms import lines
from webui.studio.kinds.page import ChannelForm, KindPage

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.domains.channels.schemas import ChannelOut
    from appliance.domains.channels.types import Kind


class WebchatForm(ChannelForm):
    """`origins` is one to a line."""

    title: str = Field("", max_length=60)
    greeting: str = Field("", max_length=500)
    colour: str = Field("#0b6b5d", max_length=7)
    position: Literal["right", "left"] = "right"
    origins: str = Field("", max_length=4000)
    asks_name: bool = False
    asks_email: bool = False
    shows_sources: bool = False
    offline: str = Field("", max_length=300)

    def config_of(self, kind: Kind) -> dict[str, Any]:
        return {**super().config_of(kind), "origins": lines(self.origins)}

    @classmethod
    def shown(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {**config, "origins": "\n".join(config["origins"])}


def _around(box: Box, channel: ChannelOut | None) -> dict[str, object]:
    if channel is None:
        return {}
    home = box.settings.public_url
    line = Markup('<script src="{}{}" async></script>').format(home, url_for("static_chat_script", key=channel.external_id))
    page = f"{home}{url_for('chat.chat', key=channel.external_id)}"
    return {"line": str(line), "page_address": page, "is_public": is_public(home), "sites": channel.config["origins"], "home": home}


WEBCHAT_PAGE = KindPage(
    WEBCHAT,
    form=WebchatForm,
    title=_("Chat on your site"),
    says=_("A button on your own pages opens a chat. Nothing from third parties; your visitors' words stay on this box."),
    made=_("Saved. Now put the line below into the pages of your site."),
    around=_around,
)
