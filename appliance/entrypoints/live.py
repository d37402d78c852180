"""The process that holds the sockets: events at /events, programs at /ws, webhooks. With `pages` it also answers everything else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import flask
import uvicorn
from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from appliance import __version__
from appliance.core import receivers
from appliance.core.box import Box
from appliance.core.errors import DomainError, TooMany, Unauthenticated
from appliance.core.live import ELSEWHERE, Hub
from appliance.core.web import Principal
from appliance.domains.identity import actions
from appliance.domains.identity.api.authentication import presented
from appliance.domains.identity.errors import SessionOver
from appliance.entrypoints import feeds, topics, visitors
from appliance.entrypoints.bodies import BodyFirst
from appliance.entrypoints.hearing import as_flask, authenticate, heard, number_of
from appliance.entrypoints.webhooks import Webhooks

# A browser opens a stream that ended again; one of too many is asked to leave that for later, lest they push each other out in turn.
AGAIN_MUCH_LATER = "retry: 300000\n\n"
UNFINISHED = "ASGI callable returned without completing response."  # in uvicorn's words


def build(box: Box, *, pages: flask.Flask | None = None) -> ASGIApp:
    """`pages` mounts the Flask application beside the stream, for a box without a reverse proxy."""
    hub = Hub(box)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        task = asyncio.create_task(hub.run())
        yield
        task.cancel()
        await asyncio.to_thread(webhooks.close)
        await asyncio.to_thread(receivers.flush)  # the server ends by the signal that it was sent, at once

    async def events(request: Request) -> Response:
        try:
            principal = await asyncio.to_thread(authenticate, box, request)
        except DomainError as err:
            return JSONResponse({"detail": str(err)}, status_code=err.status)
        if principal is None:
            return JSONResponse({"detail": "sign in"}, status_code=401)
        try:
            hub.check_room(principal.tenant_id)
        except TooMany as err:
            return JSONResponse({"detail": str(err)}, status_code=err.status, headers={"Retry-After": f"{err.retry_after:.0f}"})
        after = number_of(request.headers.get("last-event-id") or request.query_params.get("last", ""))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_lines(box, hub, request, principal, after), media_type="text/event-stream", headers=headers)

    async def alive(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "version": __version__})

    routes: list[BaseRoute] = [
        Route("/events", events), Route(visitors.PATH, visitors.VisitorStreams(box, hub).answer), Route("/health/live", alive),
        WebSocketRoute(feeds.PATH, feeds.FeedSockets(box, hub).answer), WebSocketRoute(topics.PATH, topics.TopicSockets(box, hub).answer),
        WebSocketRoute("/{rest:path}", _no_socket),
    ]
    if pages is not None:
        front: ASGIApp = WSGIMiddleware(pages, workers=box.settings.server.threads)  # type: ignore[assignment,arg-type]
        limit = box.settings.server.max_body_mb * 2**20
        routes.append(Mount("/", BodyFirst(front, file_limit=limit, is_ours=lambda request: _is_ours(box, request))))
    webhooks = Webhooks(box, then=Starlette(routes=routes, lifespan=lifespan))
    return webhooks


async def _no_socket(socket: WebSocket) -> None:
    """Pages have no sockets."""
    await socket.close()


def _is_ours(box: Box, request: Request) -> bool:
    try:
        return actions.is_ours(box, presented(as_flask(request)))
    except SessionOver:
        return False


async def _lines(box: Box, hub: Hub, request: Request, principal: Principal, after: int | None) -> AsyncIterator[str]:
    greeting = "retry: 2000\n\n"
    with contextlib.suppress(Unauthenticated):
        async for note in heard(box, hub, request, principal, after=after, person_id=principal.user_id):
            if note is None:
                yield greeting
                greeting = ": still here\n\n"
            else:
                yield AGAIN_MUCH_LATER if note.event == ELSEWHERE else note.line


def is_news(record: logging.LogRecord) -> bool:
    """A reader who was dropped because nothing more was taken is everyday life, not an error of ours."""
    return record.msg != UNFINISHED


def serve(app: ASGIApp, *, host: str, port: int) -> None:
    logging.getLogger("uvicorn.error").addFilter(is_news)
    config = uvicorn.Config(
        app, host=host, port=port, loop="uvloop", http="httptools", log_config=None, access_log=False, lifespan="on",
        timeout_graceful_shutdown=5, server_header=False, proxy_headers=False,  # server.trusted_proxies says whom to believe
    )  # fmt: skip
    uvicorn.Server(config).run()
