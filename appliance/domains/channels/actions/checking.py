from appliance.core.box import Box
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.types import Account, Checkup


def check_connection(box: Box, account: Account) -> Checkup:
    """Asks the provider and changes nothing. Raises Refused with what has to be mended, Unavailable when nobody answers."""
    return gateway_of(account.kind).check(box, account)
