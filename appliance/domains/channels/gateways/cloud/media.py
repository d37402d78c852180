"""Files that contacts send: an id in the webhook, an address for that id, the bytes at that address."""

import json
from collections.abc import Iterator
from http import HTTPStatus

from appliance.core import files, media_types
from appliance.core.box import Box
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import TransportFailed
from appliance.domains.channels.types import Account


def fetch(box: Box, account: Account, media_id: str) -> dict[str, object]:
    """Raises Refused when the file will never come, Unavailable when it may come later."""
    headers = {"Authorization": f"Bearer {account.secrets.get('access_token', '')}"}
    limit = box.settings.channels.max_media_mb * 2**20
    with box.outbound.client("whatsapp_cloud_media", timeout_s=60, within_s=600) as client:
        try:
            described = client.get(f"{box.settings.channels.graph_url.rstrip('/')}/{media_id}", headers=headers)
            _check(described.status_code)
            with client.stream("GET", str(json.loads(described.content)["url"]), headers=headers) as response:
                _check(response.status_code)
                stream = _Pieces(response.iter_bytes(65_536))
                ref = files.put(box, account.tenant_id, stream, files.Origin.ARRIVED, limit=limit)
        except TransportFailed as err:
            raise Unavailable(_("The file broke off on its way.")) from err
        except (ValueError, KeyError, TypeError) as err:
            raise Refused(_("WhatsApp does not say where this file is.")) from err
    return {"blob_id": str(ref.id), "size": ref.size, "sha256": ref.sha256, "true_type": media_types.type_of(stream.head)}


def _check(status: int) -> None:
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(_("WhatsApp does not hand out files right now."))
    if status != HTTPStatus.OK:
        raise Refused(_("WhatsApp no longer has this file (%(status)s).", status=status))


class _Pieces:
    """An iterator of bytes as something to read from; keeps the beginning for a look at the type."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.head = b""

    def read(self, size: int, /) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        given, self._rest = self._rest[:size], self._rest[size:]
        if len(self.head) < media_types.SNIFFED:
            self.head = (self.head + given)[: media_types.SNIFFED]
        return given
