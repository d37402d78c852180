from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.email import imap, smtp
from appliance.domains.channels.gateways.email.settings import PASSWORD, POSTING, POSTING_PATH, USER, EmailSettings
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
    kind = Kind(
        EMAIL, _("E-mail"), Medium.EMAIL, carries=CARRIES, per_second=2.0, needs=frozenset({USER, PASSWORD}), makes=frozenset({POSTING})
    )
    settings: ClassVar[type[Schema]] = EmailSettings

    def open(self, box: Box, account: Account) -> EmailTransport:
        return EmailTransport(box, account)

    def end_of(self, config: Mapping[str, Any]) -> str:
        return str(config["address"])

    def check(self, box: Box, account: Account) -> Checkup:
        """Signs in where mails leave and, where it is read, at the mailbox, whose folder it opens; sends and changes nothing."""
        reading = imap.opened(box, account) if account.config["imap_host"] else nullcontext()
        with smtp.signed_in(box, account), reading:
            home = f"{box.settings.public_url}{POSTING_PATH}{account.channel_id}" if POSTING in account.secrets else ""
            return Checkup(phone="", name=str(account.config["address"]), quality=Quality.UNRATED, webhook=home)
