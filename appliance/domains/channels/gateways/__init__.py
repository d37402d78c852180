"""Transports, one for each kind of channel."""

from appliance.core.box import Box
from appliance.domains.channels.gateways import simulator
from appliance.domains.channels.gateways.cloud.transport import CloudTransport
from appliance.domains.channels.types import Account, ChannelKind, Transport


def open_transport(box: Box, account: Account) -> Transport:
    if account.kind == ChannelKind.WHATSAPP_CLOUD:
        return CloudTransport(box, account)
    return simulator.SimulatorTransport()
