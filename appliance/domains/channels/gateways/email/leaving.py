"""The address in a notice by which its reader ends such mail with one click (RFC 8058). It names a person, and proves that we made it."""

from uuid import UUID

from appliance.core import crypto
from appliance.core.box import Box
from appliance.domains.channels.gateways.email import tracking
from appliance.domains.channels.rules import proofs


def headers_of(box: Box, tenant_id: UUID, channel_id: UUID, contact_id: UUID) -> dict[str, str]:
    """Nothing where mail programs do not reach the box."""
    home = tracking.home_of(box)
    if home is None:
        return {}
    address = f"{home}/unsubscribe/{channel_id}/{token_of(box, tenant_id, channel_id, contact_id)}"
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def token_of(box: Box, tenant_id: UUID, channel_id: UUID, contact_id: UUID) -> str:
    return proofs.token_for(_key(box, tenant_id), channel_id.hex, contact_id.hex)


def contact_of(box: Box, tenant_id: UUID, channel_id: UUID, token: str) -> UUID | None:
    found = proofs.name_of(_key(box, tenant_id), channel_id.hex, token)
    return UUID(found) if found else None


def _key(box: Box, tenant_id: UUID) -> bytes:
    return crypto.derive(box.keys.tenant_key(tenant_id), "unsubscribe")
