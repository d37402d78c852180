"""What Meta knows of a number, asked without sending anything.

https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account-to-number-current-status
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from appliance.core.box import Box
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import TransportFailed
from appliance.domains.channels.types import Account, Checkup, Quality

FIELDS = "display_phone_number,verified_name,quality_rating,webhook_configuration"
TIMEOUT_S = 15.0  # somebody waits for the answer
_QUALITIES = {"GREEN": Quality.HIGH, "YELLOW": Quality.MEDIUM, "RED": Quality.LOW}
_TOKEN = frozenset({0, 190})
_HOOKS = ("phone_number", "whatsapp_business_account", "application")  # the narrowest wins


def check(box: Box, account: Account) -> Checkup:
    """Raises Refused with what has to be mended, Unavailable when Meta cannot be asked now."""
    address = f"{box.settings.channels.graph_url.rstrip('/')}/{account.external_id}"
    headers = {"Authorization": f"Bearer {account.secrets.get('access_token', '')}"}
    with box.outbound.client("whatsapp_cloud_check", timeout_s=TIMEOUT_S) as client:
        try:
            response = client.get(address, params={"fields": FIELDS}, headers=headers)
        except TransportFailed as err:
            raise Unavailable(_("WhatsApp broke off while answering. Try again.")) from err
    answer = _object(response.content)
    if response.status_code != HTTPStatus.OK:
        raise _refusal(response.status_code, _inner(answer, "error"))
    hooks = _inner(answer, "webhook_configuration")
    return Checkup(
        phone=str(answer.get("display_phone_number", "")),
        name=str(answer.get("verified_name", "")),
        quality=_QUALITIES.get(str(answer.get("quality_rating")), Quality.UNRATED),
        webhook=next((str(hooks[level]) for level in _HOOKS if hooks.get(level)), ""),
    )


def _refusal(status: int, error: Mapping[str, Any]) -> Unavailable | Refused:
    code = error.get("code")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(_("WhatsApp cannot answer right now (code %(code)s). Try again in a few minutes.", code=code or status))
    if code in _TOKEN or status == HTTPStatus.UNAUTHORIZED:
        return Refused(_("WhatsApp does not accept the access token. Make a new one at Meta and enter it here."))
    said = str(error.get("message", ""))[:200]
    unseen = _(
        "WhatsApp does not show this number to the token (code %(code)s). Check the phone number id. %(said)s",
        code=code or status, said=said,
    )  # fmt: skip
    return Refused(unseen)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _inner(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name)
    return found if isinstance(found, dict) else {}
