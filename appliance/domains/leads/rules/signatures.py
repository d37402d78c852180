"""The signature of the universal webhook: `X-Signature: sha256=` and the HMAC of `timestamp.body` under the secret of the source."""

import hmac
import re
from datetime import datetime, timedelta

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.leads.errors import WebhookRefused

LONGEST_DELAY = timedelta(minutes=5)
_FORM = re.compile(r"sha256=[0-9a-f]{64}\Z")
_SECONDS = re.compile(r"\d{1,12}\Z")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def check_signed(secret: str, body: bytes, *, signature: str, timestamp: str, now: datetime) -> None:
    """Raises WebhookRefused. A good signature of a wrong hour is told from a bad one."""
    if not (secret and _FORM.match(signature) and _SECONDS.match(timestamp)):
        sentence = _("Send X-Timestamp (seconds since 1970) and X-Signature (sha256= and the HMAC of timestamp.body).")
        raise WebhookRefused("not_signed", sentence)
    if not hmac.compare_digest(sign(secret, timestamp, body), signature):
        raise WebhookRefused("bad_signature", _("The signature does not fit: check the secret, and sign the very bytes that are sent."))
    if abs(now.timestamp() - int(timestamp)) > LONGEST_DELAY.total_seconds():
        raise WebhookRefused("stale_timestamp", _("X-Timestamp is more than five minutes away from the clock of this box."))
