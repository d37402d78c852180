import json
from collections.abc import Iterator

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.cloud import checkup, inbound, media
from appliance.domains.channels.gateways.cloud.outbound import CARRIES
from appliance.domains.channels.gateways.cloud.transport import CloudTransport
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.types import WHATSAPP_CLOUD, Account, Change, Checkup, Kind
from appliance.domains.contacts.types import Channel as Medium


class CloudGateway(Gateway):
    kind = Kind(
        WHATSAPP_CLOUD, _("WhatsApp Cloud API"), Medium.WHATSAPP, carries=CARRIES, window_hours=24, max_text=4096, max_text_of_choices=1024,
        per_second=80.0,  # throughput of a new number
        external_id=r"\d{1,120}", needs=frozenset({"access_token", "app_secret", "verify_token"}),
    )  # fmt: skip

    def open(self, box: Box, account: Account) -> CloudTransport:
        return CloudTransport(box, account)

    def read(self, body: str) -> Iterator[Change]:
        return inbound.changes_of(json.loads(body))

    def fetch(self, box: Box, account: Account, provider_id: str) -> dict[str, object]:
        return media.fetch(box, account, provider_id)

    def check(self, box: Box, account: Account) -> Checkup:
        return checkup.check(box, account)
