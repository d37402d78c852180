from collections.abc import Iterator

from pydantic import Field

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.gateway import Courteous, Gateway
from appliance.domains.channels.gateways.qr import inbound, transport
from appliance.domains.channels.types import WHATSAPP_QR, Account, Change, Kind
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import MAX_CAPTION, MAX_TEXT, MessageKind

CARRIES = frozenset(
    {
        MessageKind.TEXT, MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DOCUMENT, MessageKind.STICKER,
        MessageKind.REACTION, MessageKind.LOCATION, MessageKind.CONTACT,
    }
)  # fmt: skip


class QrSettings(Courteous):
    daily_limit: int = Field(0, ge=0, le=1000, description="Messages a day at most; 0 leaves it to the age of the link")
    takes_groups: bool = Field(False, description="Messages of the groups that the number is in are taken in, for people only")


class QrGateway(Gateway):
    kind = Kind(
        WHATSAPP_QR, _("WhatsApp by QR"), Medium.WHATSAPP, carries=CARRIES, max_text=MAX_TEXT, max_caption=MAX_CAPTION, quotes=True,
        linked=True,
    )  # fmt: skip
    settings = QrSettings

    def open(self, box: Box, account: Account) -> transport.QrTransport:
        return transport.QrTransport(box, account)

    def read(self, body: str) -> Iterator[Change]:
        return inbound.changes_of(body)

    def fetch(self, box: Box, account: Account, provider_id: str) -> dict[str, object]:
        return transport.fetch(box, account, provider_id)
