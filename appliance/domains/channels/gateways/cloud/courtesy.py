"""What is said to a contact beside messages: that theirs was read, and that somebody writes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.cloud import asking

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.domains.channels.types import Account

PURPOSE = "whatsapp_courtesies"


def acknowledge(box: Box, account: Account, message_id: str, *, writes: bool) -> None:
    """Marks the message, and all before it, as read; `writes` shows for up to 25 s, or until our message, that we do. Meta has no
    writing without reading. Raises DomainError.

    https://developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators
    """
    said: dict[str, object] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if writes:
        said["typing_indicator"] = {"type": "text"}
    status, answer = asking.ask(box, account, "POST", f"{account.external_id}/messages", purpose=PURPOSE, body=said)
    if status != HTTPStatus.OK:
        raise asking.refusal_of(status, answer, _mark_refused)


def _mark_refused(code: object, said: str) -> Refused:
    return Refused(_("WhatsApp refused the read mark (code %(code)s): %(said)s", code=code, said=said))
