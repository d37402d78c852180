"""The phone-like pane in the pages: there is no outside, so what is sent has arrived."""

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.types import SIMULATOR, Account, Kind, Sent
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import MessageKind, Outgoing


class SimulatorTransport:
    def send(self, message: Outgoing) -> Sent:
        return Sent(f"sim-{message.client_id}", delivered=True)


class SimulatorGateway(Gateway):
    kind = Kind(SIMULATOR, _("Simulator"), Medium.SIMULATOR, carries=frozenset(MessageKind) - {MessageKind.REACTION})

    def open(self, _box: Box, _account: Account) -> SimulatorTransport:
        return SimulatorTransport()
