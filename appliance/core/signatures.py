"""Signatures as webhooks carry them: `sha256=` and the HMAC-SHA256 of what was signed, in hex.

Meta signs the raw content under the app secret: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
"""

import hmac
import re

_FORM = re.compile(r"sha256=[0-9a-f]{64}\Z")


def sign(secret: str, content: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), content, "sha256").hex()


def is_well_formed(header: str) -> bool:
    return _FORM.match(header) is not None


def is_signed(secret: str, content: bytes, header: str) -> bool:
    """Compared in constant time. An empty secret signs nothing."""
    return bool(secret) and is_well_formed(header) and hmac.compare_digest(sign(secret, content), header)
