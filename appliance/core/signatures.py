"""Signatures as webhooks carry them: `sha256=` and the HMAC-SHA256 of what was signed, in hex.

Meta signs the raw content under the app secret: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
The box's own addresses ask for the hour as well, so that what was heard once cannot be said again a day later.
"""

import hmac
import re
from datetime import datetime, timedelta

from appliance.core.errors import Unauthenticated
from appliance.core.i18n import lazy_gettext as _

LONGEST_DELAY = timedelta(minutes=5)
_FORM = re.compile(r"sha256=[0-9a-f]{64}\Z")
_SECONDS = re.compile(r"\d{1,12}\Z")


class WebhookRefused(Unauthenticated):
    """`reason` is kept with what was refused."""

    def __init__(self, reason: str, sentence: object) -> None:
        super().__init__(sentence)
        self.reason = reason


def sign(secret: str, content: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), content, "sha256").hex()


def is_well_formed(header: str) -> bool:
    return _FORM.match(header) is not None


def is_signed(secret: str, content: bytes, header: str) -> bool:
    """Compared in constant time. An empty secret signs nothing."""
    return bool(secret) and is_well_formed(header) and hmac.compare_digest(sign(secret, content), header)


def sign_timed(secret: str, timestamp: str, body: bytes) -> str:
    """Of `timestamp.body`; the timestamp in seconds since 1970."""
    return sign(secret, timestamp.encode() + b"." + body)


def check_timed(secret: str, body: bytes, *, signature: str, timestamp: str, now: datetime) -> None:
    """Raises WebhookRefused. A good signature of a wrong hour is told from a bad one."""
    if not (is_well_formed(signature) and _SECONDS.match(timestamp)):
        sentence = _("Send X-Timestamp (seconds since 1970) and X-Signature (sha256= and the HMAC of timestamp.body).")
        raise WebhookRefused("not_signed", sentence)
    if not is_signed(secret, timestamp.encode() + b"." + body, signature):
        raise WebhookRefused("bad_signature", _("The signature does not fit: check the secret, and sign the very bytes that are sent."))
    if abs(now.timestamp() - int(timestamp)) > LONGEST_DELAY.total_seconds():
        raise WebhookRefused("stale_timestamp", _("X-Timestamp is more than five minutes away from the clock of this box."))
