"""Meta's webhook signature: X-Hub-Signature-256 is `sha256=` and the HMAC of the raw body under the app secret.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
"""

import hmac
import re

_FORM = re.compile(r"sha256=[0-9a-f]{64}\Z")


def sign(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def is_well_formed(header: str) -> bool:
    return _FORM.match(header) is not None


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Compared in constant time. An empty secret signs nothing."""
    return bool(secret) and is_well_formed(header) and hmac.compare_digest(sign(secret, body), header)
