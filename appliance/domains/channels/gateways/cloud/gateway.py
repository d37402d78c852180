import json
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.channels.gateways.cloud import checkup, inbound, media, templates
from appliance.domains.channels.gateways.cloud.outbound import CARRIES, MAX_BUTTON
from appliance.domains.channels.gateways.cloud.transport import CloudTransport
from appliance.domains.channels.gateways.gateway import Courteous, Gateway
from appliance.domains.channels.types import WHATSAPP_CLOUD, Account, Change, Checkup, Kind, ProviderTemplate, TemplateStatus
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import MAX_CAPTION, MAX_TEXT


class CloudSettings(Courteous):
    """`waba_id`: Meta's id of the WhatsApp business account; without it the box knows nothing of its templates."""

    waba_id: str = Field("", pattern=r"^\d{0,40}$")


class CloudGateway(Gateway):
    settings: ClassVar[type[Schema]] = CloudSettings
    kind = Kind(
        WHATSAPP_CLOUD, _("WhatsApp Cloud API"), Medium.WHATSAPP, carries=CARRIES, window_hours=24, max_text=MAX_TEXT,
        max_text_of_choices=1024, max_caption=MAX_CAPTION, max_button=MAX_BUTTON, quotes=True,
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

    def list_templates(self, box: Box, account: Account) -> list[ProviderTemplate]:
        return templates.fetch_all(box, account)

    def submit_template(self, box: Box, account: Account, wanted: ProviderTemplate) -> tuple[str, TemplateStatus]:
        return templates.submit(box, account, wanted)
