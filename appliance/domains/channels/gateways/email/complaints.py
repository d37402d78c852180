"""What a mail carries so that a complaint about it can be believed: a proof that we sent it to one person and to nobody else.

Providers send the head of the mail back with the complaint (CFBL-Feedback-ID, RFC 9477). Answers and their copies quote Message-IDs only.
"""

from collections.abc import Mapping
from uuid import UUID

from appliance.core import crypto
from appliance.core.box import Box
from appliance.domains.channels.rules import proofs

HEADER = "CFBL-Feedback-ID"


def headers_of(box: Box, tenant_id: UUID, channel_id: UUID, message_id: UUID) -> Mapping[str, str]:
    return {HEADER: proofs.token_for(_key(box, tenant_id), channel_id.hex, message_id.hex)}


def message_of(box: Box, tenant_id: UUID, channel_id: UUID, proof: str) -> UUID | None:
    """None for a mail that is not ours, that went to several people, or that somebody made up."""
    found = proofs.name_of(_key(box, tenant_id), channel_id.hex, proof)
    return UUID(found) if found else None


def _key(box: Box, tenant_id: UUID) -> bytes:
    return crypto.derive(box.keys.tenant_key(tenant_id), "complaints")
