"""The signs in a mail by which its reader tells that it was opened or an address in it followed. Each names one message, and an address is
part of what is signed: the box leads nobody anywhere that did not stand in the mail.
"""

from collections.abc import Callable
from functools import partial
from urllib.parse import quote
from uuid import UUID

from appliance.core import crypto
from appliance.core.box import Box
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.gateways.email.settings import EmailSettings
from appliance.domains.channels.rules import proofs, tracking
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.errors import ConsentRefused, ContactNotFound
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Purpose


def may_track(uow: UnitOfWork, config: EmailSettings, contact_id: UUID) -> bool:
    """Switched on, the box can be called, and the person's last word is a yes to offers by e-mail."""
    if not config.tracks or home_of(uow.box) is None:
        return False
    try:
        contacts.check_may_send(uow, contact_id, Medium.EMAIL, Purpose.MARKETING)
    except (ConsentRefused, ContactNotFound):
        return False
    return True


def home_of(box: Box) -> str | None:
    """Where mail programs reach the box: they fetch nothing from an address that is not HTTPS."""
    return box.settings.public_url if box.settings.public_url.startswith("https://") else None


def marker_of(box: Box, tenant_id: UUID, channel_id: UUID, message_id: UUID) -> Callable[[str], str]:
    """What makes a page tell. Only where `may_track`."""
    base = f"{home_of(box)}/m/{channel_id}"

    def link(address: str) -> str:
        return f"{base}/{token_of(box, tenant_id, channel_id, message_id, address)}?to={quote(address, safe='')}"

    picture = f"{base}/{token_of(box, tenant_id, channel_id, message_id)}/picture.gif"
    return partial(tracking.marked, link=link, picture=picture, home=home_of(box) or "")


def token_of(box: Box, tenant_id: UUID, channel_id: UUID, message_id: UUID, address: str = "") -> str:
    """Without an address: of the picture."""
    return proofs.token_for(_key(box, tenant_id), f"{channel_id.hex}:{address}", message_id.hex)


def message_of(box: Box, tenant_id: UUID, channel_id: UUID, token: str, address: str = "") -> UUID | None:
    found = proofs.name_of(_key(box, tenant_id), f"{channel_id.hex}:{address}", token)
    return UUID(found) if found else None


def _key(box: Box, tenant_id: UUID) -> bytes:
    return crypto.derive(box.keys.tenant_key(tenant_id), "mail_links")
