"""A program's own address, called with what it is to know; and files that a program names instead of sending."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from appliance.core import clock, files, signatures
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import InvalidAddress, NotAllowed, TransportFailed
from appliance.domains.feeds.errors import ListenerGone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from appliance.core.box import Box
    from appliance.core.outbound import Client
    from appliance.core.uow import Actor
    from appliance.domains.feeds.types import Hook, Told

PURPOSE = "feed"
TIMEOUT_S = 10.0
FETCHED_IN_S = 60.0  # a file, while its sender waits for our answer
_NO_ADDRESS = _("Enter an address that begins with https:// or http://.")
_PIECE = 64 * 1024


def tell(box: Box, hook: Hook, told: Told, url: str, file: bytes = b"") -> None:
    """Raises ListenerGone, and Unavailable for everything that somebody may mend."""
    body = body_of(told, file)
    moment = str(int(clock.now().timestamp()))
    headers = {
        **hook.headers, "Content-Type": "application/json", "X-Timestamp": moment, "X-SalesEdge-Delivery": str(told.item_id),
        "X-Signature": signatures.sign_timed(hook.secret, moment, body),
    }  # fmt: skip
    try:
        with _calling(box, TIMEOUT_S) as client, client.stream("POST", url, content=body, headers=headers) as response:
            _judge(response.status_code, response.headers.get("Retry-After", ""))
    except NotAllowed as err:
        raise Unavailable(err.message) from err
    except InvalidAddress as err:
        raise Unavailable(_NO_ADDRESS) from err


def _calling(box: Box, within_s: float) -> Client:
    return box.outbound.client(PURPOSE, timeout_s=TIMEOUT_S, within_s=within_s)


def body_of(told: Told, file: bytes) -> bytes:
    """`file`: base64 beside the message, where programs look for it."""
    body = dict(told.body)
    if file and isinstance(data := body.get("data"), dict):
        body["data"] = {**data, "message": {**data.get("message", {}), "base64": file.decode()}}
    return json.dumps(body, ensure_ascii=False).encode()


def _judge(status: int, retry_after: str) -> None:
    if status == HTTPStatus.GONE:
        raise ListenerGone
    if not 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls a success
        wait = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
        raise Unavailable(_("The address answers %(status)s.", status=status), retry_after=wait)


def fetch(box: Box, tenant_id: UUID, url: str, *, by: Actor, limit: int) -> tuple[UUID, bytes]:
    """A file from an address, kept sealed as theirs; its first bytes. Raises Refused for what is not there or too large, Unavailable."""
    try:
        with _calling(box, FETCHED_IN_S) as client, client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code != HTTPStatus.OK:
                raise Refused(_("The file's address answers %(status)s.", status=response.status_code))
            pieces = _Pieces(response.iter_raw(_PIECE))
            ref = files.put(box, tenant_id, pieces, files.Origin.CHOSEN, by=by, limit=limit)
    except InvalidAddress as err:
        raise Refused(_NO_ADDRESS) from err
    except TransportFailed as err:
        raise Unavailable(_("The file broke off while it was fetched. Try again.")) from err
    return ref.id, pieces.head


class _Pieces:
    """What comes piece by piece, as blobs read it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.head = b""

    def read(self, _size: int, /) -> bytes:
        piece = next(self._pieces, b"")
        self.head = self.head or piece
        return piece
