"""The Graph API on the wire: its errors become ours."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import NoAnswer, TransportFailed, object_of
from appliance.domains.channels.errors import KeyRefused
from appliance.domains.channels.gateways.cloud.answers import LATER, TOKEN
from appliance.domains.channels.gateways.cloud.outbound import MEDIA, payload_of
from appliance.domains.channels.types import Account, Sent, Unconfirmed
from appliance.domains.conversations.types import MessageKind

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.domains.conversations.types import Outgoing

_WINDOW_CLOSED = 131047


class CloudTransport:
    def __init__(self, box: Box, account: Account) -> None:
        self._box = box
        self._account = account
        self._graph = box.settings.channels.graph_url.rstrip("/")

    def send(self, message: Outgoing) -> Sent | Unconfirmed:
        brings_file = message.kind is MessageKind.TEMPLATE and "blob_id" in message.content.get("media", {})
        media_id = self._upload(message) if message.kind in MEDIA or brings_file else ""
        with self._box.outbound.client("whatsapp_cloud") as client:
            try:
                response = client.post(self._address("messages"), json=payload_of(message, media_id=media_id), headers=self._headers)
            except (NoAnswer, TransportFailed):
                return Unconfirmed()
        if response.status_code == HTTPStatus.OK:
            return _sent(object_of(response.content))
        raise _error(response.status_code, object_of(response.content), response.headers.get("Retry-After"))

    def _address(self, edge: str) -> str:
        return f"{self._graph}/{self._account.external_id}/{edge}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._account.secrets.get('access_token', '')}"}

    def _upload(self, message: Outgoing) -> str:
        media = message.content["media"]
        content = self._box.blobs.read_all(self._account.tenant_id, UUID(media["blob_id"]))
        with self._box.outbound.client("whatsapp_cloud_media", timeout_s=60, within_s=600) as client:
            try:
                response = client.post(
                    self._address("media"),
                    data={"messaging_product": "whatsapp", "type": media["mime_type"]},
                    files={"file": (media.get("filename") or "file", content, media["mime_type"])},
                    headers=self._headers,
                )
            except TransportFailed as err:
                raise Unavailable(_("The file could not be handed to WhatsApp.")) from err
        if response.status_code != HTTPStatus.OK:
            raise _error(response.status_code, object_of(response.content), response.headers.get("Retry-After"))
        return str(object_of(response.content).get("id", ""))


def _sent(answer: dict[str, Any]) -> Sent | Unconfirmed:
    messages = answer.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[0], dict) and messages[0].get("id"):
        return Sent(str(messages[0]["id"]))
    return Unconfirmed()


def _error(status: int, answer: dict[str, Any], retry_after: str | None) -> Unavailable | Refused:
    said = answer.get("error")
    error: dict[str, Any] = said if isinstance(said, dict) else {}
    code = error.get("code")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in LATER:
        return Unavailable(_("WhatsApp asks to wait (code %(code)s).", code=code or status), retry_after=_seconds(retry_after))
    if code == _WINDOW_CLOSED:
        return Refused(_("WhatsApp's 24-hour window is closed: only a template can be sent now."))
    if code in TOKEN or status == HTTPStatus.UNAUTHORIZED:
        return KeyRefused(_("WhatsApp no longer accepts this channel's access token. Enter a new one in the channel's settings."))
    said_by_provider = str(error.get("message", ""))[:200]
    return Refused(_("WhatsApp refused the message (code %(code)s): %(said)s", code=code or status, said=said_by_provider))


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
