"""The signature of the universal webhook: `X-Signature: sha256=` and the HMAC of `timestamp.body` under the secret of the source."""

import re
from datetime import datetime, timedelta

from appliance.core import signatures
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.leads.errors import WebhookRefused

LONGEST_DELAY = timedelta(minutes=5)
_SECONDS = re.compile(r"\d{1,12}\Z")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return signatures.sign(secret, _signed(timestamp, body))


def check_signed(secret: str, body: bytes, *, signature: str, timestamp: str, now: datetime) -> None:
    """Raises WebhookRefused. A good signature of a wrong hour is told from a bad one."""
    if not (signatures.is_well_formed(signature) and _SECONDS.match(timestamp)):
        sentence = _("Send X-Timestamp (seconds since 1970) and X-Signature (sha256= and the HMAC of timestamp.body).")
        raise WebhookRefused("not_signed", sentence)
    if not signatures.is_signed(secret, _signed(timestamp, body), signature):
        raise WebhookRefused("bad_signature", _("The signature does not fit: check the secret, and sign the very bytes that are sent."))
    if abs(now.timestamp() - int(timestamp)) > LONGEST_DELAY.total_seconds():
        raise WebhookRefused("stale_timestamp", _("X-Timestamp is more than five minutes away from the clock of this box."))


def check_signed_by_meta(app_secret: str, body: bytes, signature: str) -> None:
    """Raises WebhookRefused."""
    if not signatures.is_signed(app_secret, body, signature):
        raise WebhookRefused("bad_signature", _("The webhook is not signed with the app secret of this source."))


def _signed(timestamp: str, body: bytes) -> bytes:
    return timestamp.encode() + b"." + body
