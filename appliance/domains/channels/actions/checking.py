from appliance.core.box import Box
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.cloud import checkup
from appliance.domains.channels.types import Account, ChannelKind, Checkup


def check_connection(box: Box, account: Account) -> Checkup:
    """Asks the provider and changes nothing. Raises Refused with what has to be mended, Unavailable when nobody answers."""
    if account.kind != ChannelKind.WHATSAPP_CLOUD:
        raise Refused(_("A simulator is always connected: there is nothing to test."))
    return checkup.check(box, account)
