"""GET and POST /webhooks/whatsapp, answered by the process that holds the sockets. The 200 is given after the commit and not before."""

from __future__ import annotations

import asyncio
import hmac
import io
import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.core import telemetry
from appliance.core.box import Box
from appliance.core.errors import DomainError, Forbidden, TooMany, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.core.web.limits import RateLimits
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.cloud.admission import Admission, Doorway, admit
from appliance.domains.channels.types import WHATSAPP_CLOUD
from appliance.entrypoints import bodies
from appliance.entrypoints.grouping import GroupCommit
from appliance.entrypoints.room import NoRoom, Room

PATH = "/webhooks/whatsapp"
META = Actor("system", name=WHATSAPP_CLOUD)
VERIFY_RATE = "30/minute"
KNOWN_S = 2.0  # how long the numbers of the box are taken for known: a webhook must not cost a look-up of all
TAKEN = (HTTPStatus.OK, b"")  # Meta looks at the status alone; a body would be a second write to the socket
Answer = tuple[HTTPStatus, bytes]
log = structlog.get_logger()


class Refusal(Exception):
    """What cannot be said with an error of a domain."""

    def __init__(self, status: HTTPStatus, detail: object) -> None:
        super().__init__(status)
        self.status, self.detail = status, detail


class Webhooks:
    """ASGI. Everything that is not for the webhook's address goes on to `then`."""

    def __init__(self, box: Box, then: ASGIApp) -> None:
        self._box = box
        self._then = then
        self._limit = box.settings.channels.webhook_max_kb * 1024
        self._room = Room()
        self._rates = RateLimits(box.redis)
        self._doorways: dict[str, Doorway] = {}
        self._read_at = -KNOWN_S
        self._learning: asyncio.Task[None] | None = None
        self._group = GroupCommit(self._keep)

    def close(self) -> None:
        self._group.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._then(scope, receive, send)
            return
        started, request_id = time.perf_counter(), new_id().hex
        headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
        try:
            status, content = await self._answer(scope, receive)
        except bodies.Gone:
            return
        except Exception as err:  # noqa: BLE001 - the edge of this address
            status = await _refuse(send, err, headers, request_id)
        else:
            await bodies.respond(send, status, content, b"text/plain; charset=utf-8", headers)
        method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
        telemetry.REQUESTS.labels(method, PATH, str(status.value)).observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] == "POST":
            return await self._take(scope, receive)
        if scope["method"] == "GET":
            return await asyncio.to_thread(self._verify, scope)
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, _("This address does not accept that method."))

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        with io.BytesIO() as stream, self._room.share() as share:
            await bodies.take_in(receive, stream, headers.get(b"content-length", b""), self._limit, share)
            body = stream.getvalue()
        if time.monotonic() - self._read_at > KNOWN_S:
            await self._learn()
        admission = admit(self._doorways, body, headers.get(b"x-hub-signature-256", b"").decode("latin-1"))
        if admission.reasons:
            await asyncio.to_thread(self._reject, admission)
        if not admission.readable:
            raise Refusal(HTTPStatus.BAD_REQUEST, _("The body is not valid JSON."))
        for doorway, part in admission.parts:
            await self._group.add((doorway.tenant_id, doorway.channel_id), part)
        return TAKEN

    async def _learn(self) -> None:
        """Read the numbers of the box again: once for all who wait for it."""
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(asyncio.to_thread(self._read_doorways))
        await asyncio.shield(self._learning)

    def _read_doorways(self) -> None:
        with self._box.whole_box("webhook directory", read_only=True) as uow:
            found = queries.list_of_kind(uow, WHATSAPP_CLOUD)
            self._doorways = {
                row.external_id: Doorway(row.id, row.tenant_id, row.external_id, row.secrets.get("app_secret", "")) for row in found
            }
        self._read_at = time.monotonic()

    def _keep(self, key: tuple[UUID, UUID], parts: Sequence[str]) -> None:
        tenant_id, channel_id = key
        with self._box.unit(tenant_id, META) as uow:
            actions.keep_envelopes(uow, channel_id, parts)

    def _reject(self, admission: Admission) -> None:
        with self._box.unit(admission.signer.tenant_id, META) as uow:
            actions.keep_rejected(uow, admission.signer.channel_id, [(reason, admission.aside) for reason in admission.reasons])

    def _verify(self, scope: Scope) -> Answer:
        """Meta's challenge when a webhook is entered there."""
        self._rates.check(VERIFY_RATE, caller_of(scope, self._box.settings.server.trusted_proxies), "verify_whatsapp")
        asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        given = asked.get("hub.verify_token", "")
        if asked.get("hub.mode") != "subscribe" or not given:
            raise Refusal(HTTPStatus.BAD_REQUEST, _("This address answers Meta's verification and webhooks."))
        with self._box.whole_box("verify webhook") as uow:
            meant = [row for row in queries.list_of_kind(uow, WHATSAPP_CLOUD) if _is(row.secrets.get("verify_token", ""), given)]
            if not meant:
                raise Forbidden(_("The verify token is not one of this box's channels."))
            actions.confirm_webhook(uow, meant)
        return HTTPStatus.OK, asked.get("hub.challenge", "").encode()


def _is(token: str, given: str) -> bool:
    return hmac.compare_digest(token.encode(), given.encode())


def caller_of(scope: Scope, hops: int) -> str:
    """The address that asks; behind proxies of ours, the one the outermost of them saw."""
    named = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    if hops and len(named) >= hops and named[-hops].strip():
        return str(named[-hops].strip())
    return str(scope["client"][0]) if scope.get("client") else "unknown"


async def _refuse(send: Send, err: Exception, headers: list[tuple[bytes, bytes]], request_id: str) -> HTTPStatus:
    said = _said(err, request_id)
    retry_after = said.retry_after if isinstance(said, TooMany | Unavailable) else None
    extra = [(b"retry-after", str(max(1, round(retry_after))).encode())] if retry_after is not None else []
    detail = said.detail if isinstance(said, Refusal) else said
    await bodies.refuse(send, said.status, str(detail), [*headers, *extra], closing=isinstance(err, bodies.TooLarge | bodies.TooSlow))
    return said.status


def _said(err: Exception, request_id: str) -> DomainError | Refusal:
    if isinstance(err, DomainError | Refusal):
        return err
    if isinstance(err, bodies.TooLarge):
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This is larger than the box accepts."))
    if isinstance(err, bodies.TooSlow):
        return Refusal(HTTPStatus.REQUEST_TIMEOUT, _("The request did not arrive in time. Try again."))
    if isinstance(err, OperationalError | PoolTimeout | NoRoom):
        log.warning("box_busy", route=PATH, error=type(err).__name__, request_id=request_id)
        return Unavailable(_("The box is busy or out of disk space. Nothing was saved; try again in a moment."), retry_after=5)
    log.error("request_failed", route=PATH, request_id=request_id, exc_info=err)
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, _("Something went wrong on our side. Nothing was saved; try again in a moment."))
