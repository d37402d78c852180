"""Webhooks, answered by the process that holds the sockets. The 200 is given after the commit and not before."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from http import HTTPStatus

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.core import metrics, tracing
from appliance.core.box import Box
from appliance.core.errors import DomainError, TooMany, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.web.limits import RateLimits
from appliance.entrypoints import bodies
from appliance.entrypoints.cloud_webhooks import CloudLane
from appliance.entrypoints.lanes import Asked, Lane, Refusal
from appliance.entrypoints.lead_webhooks import PREFIX as LEADS
from appliance.entrypoints.lead_webhooks import LeadLane
from appliance.entrypoints.mail_webhooks import PREFIX as MAILS
from appliance.entrypoints.mail_webhooks import MailLane
from appliance.entrypoints.room import NoRoom, Room, Share

log = structlog.get_logger()


class Webhooks:
    """ASGI. Everything that is not for a lane's address goes on to `then`."""

    def __init__(self, box: Box, then: ASGIApp) -> None:
        rates = RateLimits(box.redis)
        self._then = then
        self._room = Room()
        self._hops = box.settings.server.trusted_proxies
        self.cloud, self.leads, self.mails = CloudLane(box, rates), LeadLane(box, rates), MailLane(box, rates)

    def close(self) -> None:
        self.cloud.close()
        self.leads.close()
        self.mails.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = self._lane(scope)
        if lane is None:
            await self._then(scope, receive, send)
            return
        started, request_id = time.perf_counter(), new_id().hex
        method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
        headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
        try:
            with self._room.share() as share, tracing.span(f"{method} {lane.route}", "server") as mark:
                answer = await lane.answer(await self._take_in(lane, scope, receive, share))
                mark.say({"http.response.status_code": answer.status.value})
        except bodies.Gone:
            return
        except Exception as err:  # noqa: BLE001 - the edge of these addresses
            status = await _refuse(send, err, headers, lane.route, request_id)
        else:
            status = answer.status
            await bodies.respond(send, status, answer.content, answer.kind, headers)
        metrics.REQUESTS.labels(method, lane.route, str(status.value)).observe(time.perf_counter() - started)

    def _lane(self, scope: Scope) -> Lane | None:
        if scope["type"] == "http":
            if scope["path"] == self.cloud.route:
                return self.cloud
            if scope["path"].startswith(LEADS):
                return self.leads
            if scope["path"].startswith(MAILS):
                return self.mails
        return None

    async def _take_in(self, lane: Lane, scope: Scope, receive: Receive, share: Share) -> Asked:
        headers, caller = dict(scope["headers"]), caller_of(scope, self._hops)
        asked = Asked(scope["method"], scope["path"], scope["query_string"], headers, b"", caller)
        await lane.knock(asked)
        if asked.method != "POST":
            return asked
        with io.BytesIO() as stream:
            await bodies.take_in(receive, stream, headers.get(b"content-length", b""), lane.limit, share)
            return replace(asked, body=stream.getvalue())


def caller_of(scope: Scope, hops: int) -> str:
    """The address that asks; behind proxies of ours, the one the outermost of them saw."""
    named = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    if hops and len(named) >= hops and named[-hops].strip():
        return str(named[-hops].strip())
    return str(scope["client"][0]) if scope.get("client") else "unknown"


async def _refuse(send: Send, err: Exception, headers: list[tuple[bytes, bytes]], route: str, request_id: str) -> HTTPStatus:
    said = _said(err, route, request_id)
    retry_after = said.retry_after if isinstance(said, TooMany | Unavailable) else None
    extra = [(b"retry-after", str(max(1, round(retry_after))).encode())] if retry_after is not None else []
    detail = said.detail if isinstance(said, Refusal) else said
    await bodies.refuse(send, said.status, str(detail), [*headers, *extra], closing=isinstance(err, bodies.TooLarge | bodies.TooSlow))
    return said.status


def _said(err: Exception, route: str, request_id: str) -> DomainError | Refusal:
    if isinstance(err, DomainError | Refusal):
        return err
    if isinstance(err, bodies.TooLarge):
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This is larger than the box accepts."))
    if isinstance(err, bodies.TooSlow):
        return Refusal(HTTPStatus.REQUEST_TIMEOUT, _("The request did not arrive in time. Try again."))
    if isinstance(err, OperationalError | PoolTimeout | NoRoom):
        log.warning("box_busy", route=route, error=type(err).__name__, request_id=request_id)
        return Unavailable(_("The box is busy or out of disk space. Nothing was saved; try again in a moment."), retry_after=5)
    log.error("request_failed", route=route, request_id=request_id, exc_info=err)
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, _("Something went wrong on our side. Nothing was saved; try again in a moment."))
