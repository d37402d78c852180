"""WhatsApp's Cloud API: an id and three keys from Meta, and an address to enter there."""

from urllib.parse import urlsplit

from pydantic import Field

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.schemas import ChannelOut
from appliance.domains.channels.types import WHATSAPP_CLOUD
from webui.addresses import is_public
from webui.studio.kinds import walls
from webui.studio.kinds.page import ChannelForm, KindPage
from webui.studio.words import QUALITIES

WEBHOOK_PATH = "/webhooks/whatsapp"


class CloudForm(ChannelForm):
    access_token: str = Field("", max_length=2000)
    app_secret: str = Field("", max_length=200)
    verify_token: str = Field("", max_length=200)
    waba_id: str = Field("", max_length=40)
    shows_typing: bool = False
    marks_read: bool = False


def _around(box: Box, _channel: ChannelOut | None) -> dict[str, object]:
    webhook = f"{box.settings.public_url}{WEBHOOK_PATH}"
    return {"webhook": webhook, "is_public": is_public(webhook), "wall": wall_before_meta(box), "qualities": QUALITIES}


def wall_before_meta(box: Box) -> walls.Wall | None:
    return walls.wall_before(box, (urlsplit(box.settings.channels.graph_url).hostname or "",))


CLOUD = KindPage(
    WHATSAPP_CLOUD,
    form=CloudForm,
    title=_("Connect WhatsApp"),
    says=_("The official Cloud API. You need an app and a number in Meta's business manager."),
    tests=_("The test asks WhatsApp about the number, its quality and where messages are delivered. It sends nothing."),
    made=_("Saved. Now point Meta's webhook at this box, as shown below."),
    walled=_("Until then nothing can be sent by this channel."),
    around=_around,
)
