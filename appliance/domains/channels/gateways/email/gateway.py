from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.email import imap, smtp
from appliance.domains.channels.gateways.email.settings import PASSWORD, USER, EmailSettings
from appliance.domains.channels.gateways.email.transport import EmailTransport
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.types import EMAIL, Account, Checkup, Kind, Quality
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import MessageKind

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.web import Schema

CARRIES = frozenset({MessageKind.TEXT, MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DOCUMENT})


class EmailGateway(Gateway):
    kind = Kind(EMAIL, _("E-mail"), Medium.EMAIL, carries=CARRIES, per_second=2.0, needs=frozenset({USER, PASSWORD}))
    settings: ClassVar[type[Schema]] = EmailSettings

    def open(self, box: Box, account: Account) -> EmailTransport:
        return EmailTransport(box, account)

    def end_of(self, config: Mapping[str, Any]) -> str:
        return str(config["address"])

    def check(self, box: Box, account: Account) -> Checkup:
        """Signs in at both servers and opens the folder; sends and changes nothing."""
        with smtp.signed_in(box, account), imap.opened(box, account):
            return Checkup(phone="", name=str(account.config["address"]), quality=Quality.UNRATED, webhook="")
