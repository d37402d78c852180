"""Every kind of channel. A new one is a module beside this and its name in GATEWAYS."""

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.cloud.gateway import CloudGateway
from appliance.domains.channels.gateways.email.gateway import EmailGateway
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.gateways.qr.gateway import QrGateway
from appliance.domains.channels.gateways.simulator import SimulatorGateway
from appliance.domains.channels.gateways.webchat.gateway import WebchatGateway

_ALL: tuple[Gateway, ...] = (SimulatorGateway(), CloudGateway(), WebchatGateway(), QrGateway(), EmailGateway())
GATEWAYS: dict[str, Gateway] = {found.kind.name: found for found in _ALL}


def gateway_of(kind: str) -> Gateway:
    if kind not in GATEWAYS:
        raise Refused(_("This box knows no such kind of channel."), fields={"kind": _("This box knows no such kind of channel.")})
    return GATEWAYS[kind]
