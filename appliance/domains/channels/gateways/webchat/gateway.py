from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.schemas import WebchatSettings
from appliance.domains.channels.types import WEBCHAT, Account, Kind, Sent
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import MAX_TEXT, MessageKind, Outgoing

CARRIES = frozenset(
    {
        MessageKind.TEXT, MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DOCUMENT, MessageKind.BUTTONS,
        MessageKind.LIST,
    }
)  # fmt: skip


class WebchatTransport:
    def send(self, message: Outgoing) -> Sent:
        return Sent(f"web-{message.client_id}")


class WebchatGateway(Gateway):
    kind = Kind(WEBCHAT, _("Web chat"), Medium.WEBCHAT, carries=CARRIES, max_text=MAX_TEXT, max_text_of_choices=MAX_TEXT)
    settings = WebchatSettings

    def open(self, _box: Box, _account: Account) -> WebchatTransport:
        return WebchatTransport()
