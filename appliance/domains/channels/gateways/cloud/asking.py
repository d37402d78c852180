"""Asking the Graph API something while somebody waits for the answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from appliance.core.errors import DomainError, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import TransportFailed, object_of
from appliance.domains.channels.errors import KeyRefused
from appliance.domains.channels.gateways.cloud.answers import LATER, TOKEN, inner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.core.box import Box
    from appliance.domains.channels.types import Account

TIMEOUT_S = 15.0
TEMPLATES = "whatsapp_templates"


def ask(
    box: Box, account: Account, method: str, path: str, *, purpose: str, query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """HTTP status, and what was answered. Raises Unavailable when Meta cannot be asked now."""
    address = f"{box.settings.channels.graph_url.rstrip('/')}/{path}"
    headers = {"Authorization": f"Bearer {account.secrets.get('access_token', '')}"}
    with box.outbound.client(purpose, timeout_s=TIMEOUT_S) as client:
        try:
            response = client.request(method, address, params=query, json=body, headers=headers)
        except TransportFailed as err:
            raise Unavailable(_("WhatsApp broke off while answering. Try again.")) from err
    return response.status_code, object_of(response.content)


def ask_for(
    box: Box, account: Account, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """About templates. Raises Refused with Meta's words, Unavailable when Meta cannot be asked now."""
    status, answer = ask(box, account, method, path, purpose=TEMPLATES, query=query, body=body)
    if status != HTTPStatus.OK:
        raise refusal_of(status, answer, template_refused)
    return answer


def template_refused(code: object, said: str) -> Refused:
    return Refused(_("WhatsApp refused the template (code %(code)s): %(said)s", code=code, said=said))


def refusal_of(status: int, answer: Mapping[str, Any], refused: Callable[[object, str], Refused]) -> DomainError:
    """`refused` names what Meta did not take, given its code and words."""
    error = inner(answer, "error")
    code = error.get("code")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in LATER:
        return Unavailable(_("WhatsApp asks to wait (code %(code)s).", code=code or status))
    if code in TOKEN or status == HTTPStatus.UNAUTHORIZED:
        return KeyRefused(_("WhatsApp no longer accepts this channel's access token. Enter a new one in the channel's settings."))
    said = str(error.get("error_user_msg") or error.get("message") or "")[:300]
    return refused(code or status, said)
