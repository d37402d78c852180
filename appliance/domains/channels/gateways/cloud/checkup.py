"""What Meta knows of a number, asked without sending anything.

https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account-to-number-current-status
https://developers.facebook.com/documentation/business-messaging/whatsapp/messaging-limits
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from appliance.core.box import Box
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.cloud.answers import QUALITIES, TOKEN, inner
from appliance.domains.channels.gateways.cloud.asking import ask
from appliance.domains.channels.types import Account, Checkup, Quality

FIELDS = "display_phone_number,verified_name,quality_rating,webhook_configuration"
LIMIT, LIMIT_BEFORE_24 = "whatsapp_business_manager_messaging_limit", "messaging_limit_tier"  # one version does not know the other's
_THOUSANDS = {"": 1, "K": 1000, "M": 1_000_000}
_HOOKS = ("phone_number", "whatsapp_business_account", "application")  # the narrowest wins


def check(box: Box, account: Account) -> Checkup:
    """Raises Refused with what has to be mended, Unavailable when Meta cannot be asked now."""
    limit = limit_field(box.settings.channels.graph_url)
    query = {"fields": f"{FIELDS},{limit}"}
    status, answer = ask(box, account, "GET", account.external_id, purpose="whatsapp_cloud_check", query=query)
    if status != HTTPStatus.OK:
        raise _refusal(status, inner(answer, "error"))
    hooks = inner(answer, "webhook_configuration")
    return Checkup(
        phone=str(answer.get("display_phone_number", "")),
        name=str(answer.get("verified_name", "")),
        quality=QUALITIES.get(str(answer.get("quality_rating")), Quality.UNRATED),
        webhook=next((str(hooks[level]) for level in _HOOKS if hooks.get(level)), ""),
        messaging_limit=_people_of(str(answer.get(limit, ""))),
    )


def limit_field(graph_url: str) -> str:
    version = re.search(r"/v(\d+)\.", graph_url)
    return LIMIT_BEFORE_24 if version and int(version[1]) < 24 else LIMIT  # noqa: PLR2004


def _people_of(tier: str) -> int | Literal["unlimited"] | None:
    """TIER_250, TIER_2K … TIER_UNLIMITED."""
    if tier == "TIER_UNLIMITED":
        return "unlimited"
    found = re.fullmatch(r"TIER_(\d+)([KM]?)", tier)
    return int(found[1]) * _THOUSANDS[found[2]] if found else None


def _refusal(status: int, error: Mapping[str, Any]) -> Unavailable | Refused:
    code = error.get("code")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(_("WhatsApp cannot answer right now (code %(code)s). Try again in a few minutes.", code=code or status))
    if code in TOKEN or status == HTTPStatus.UNAUTHORIZED:
        return Refused(_("WhatsApp does not accept the access token. Make a new one at Meta and enter it here."))
    said = str(error.get("message", ""))[:200]
    unseen = _(
        "WhatsApp does not show this number to the token (code %(code)s). Check the phone number id. %(said)s",
        code=code or status, said=said,
    )  # fmt: skip
    return Refused(unseen)
