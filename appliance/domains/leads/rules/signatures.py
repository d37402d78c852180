"""The signature of what Meta says of its lead ads."""

from appliance.core import signatures
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.leads.errors import WebhookRefused


def check_signed_by_meta(app_secret: str, body: bytes, signature: str) -> None:
    """Raises WebhookRefused."""
    if not signatures.is_signed(app_secret, body, signature):
        raise WebhookRefused("bad_signature", _("The webhook is not signed with the app secret of this source."))
