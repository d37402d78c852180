"""The process that holds the sockets: server-sent events at /events, webhooks. With `pages` it also answers everything else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

import flask
import uvicorn
from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from appliance.core.box import Box
from appliance.core.config import load_settings
from appliance.core.errors import DomainError, TooMany
from appliance.core.live import ELSEWHERE, RESET, Hub, notes_for
from appliance.core.web import Authenticator, Principal
from appliance.domains.identity import actions
from appliance.domains.identity.api.authentication import presented
from appliance.domains.identity.errors import SessionOver
from appliance.entrypoints import visitors
from appliance.entrypoints.bodies import BodyFirst
from appliance.entrypoints.webhooks import Webhooks

LONGEST_ID = 18
# A browser opens a stream that ended again; one of too many is asked to leave that for later, lest they push each other out in turn.
AGAIN_MUCH_LATER = "retry: 300000\n\n"
UNFINISHED = "ASGI callable returned without completing response."  # in uvicorn's words
RECHECK_S = 5.0  # how long somebody who may no longer listen may still hear


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

    async def events(request: Request) -> Response:
        try:
            principal = await asyncio.to_thread(_authenticate, box, request)
        except DomainError as err:
            return JSONResponse({"detail": str(err)}, status_code=err.status)
        if principal is None:
            return JSONResponse({"detail": "sign in"}, status_code=401)
        try:
            hub.check_room(principal.tenant_id)
        except TooMany as err:
            return JSONResponse({"detail": str(err)}, status_code=err.status, headers={"Retry-After": f"{err.retry_after:.0f}"})
        last = request.headers.get("last-event-id") or request.query_params.get("last", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) <= LONGEST_ID else None
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_lines(box, hub, request, principal, after), media_type="text/event-stream", headers=headers)

    async def alive(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok"})

    routes: list[BaseRoute] = [
        Route("/events", events), Route(visitors.PATH, visitors.VisitorStreams(box, hub).answer), Route("/health/live", alive),
    ]
    if pages is not None:
        front: ASGIApp = WSGIMiddleware(pages, workers=box.settings.server.threads)  # type: ignore[assignment,arg-type]
        limit = box.settings.server.max_body_mb * 2**20
        routes.append(Mount("/", BodyFirst(front, file_limit=limit, is_ours=lambda request: _is_ours(box, request))))
    webhooks = Webhooks(box, then=Starlette(routes=routes, lifespan=lifespan))
    return webhooks


def _authenticate(box: Box, request: Request) -> Principal | None:
    return box.part(Authenticator).authenticate(box, _as_flask(request))


def _is_ours(box: Box, request: Request) -> bool:
    try:
        return actions.is_ours(box, presented(_as_flask(request)))
    except SessionOver:
        return False


def _as_flask(request: Request) -> flask.Request:
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    scheme, path = request.scope["scheme"], request.scope["path"]
    return flask.Request({"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.url_scheme": scheme, **headers})


async def _lines(box: Box, hub: Hub, request: Request, principal: Principal, after: int | None) -> AsyncIterator[str]:
    greeting = "retry: 2000\n\n"
    checked = time.monotonic()
    async for note in notes_for(hub, principal.tenant_id, after=after, person_id=principal.user_id):
        if time.monotonic() - checked >= RECHECK_S:
            checked = time.monotonic()
            again = await asyncio.to_thread(_still, box, request)
            if again is None or again.tenant_id != principal.tenant_id:
                return
            principal = again
        if note is None:
            yield greeting
            greeting = ": still here\n\n"
        elif note.event == ELSEWHERE:
            yield AGAIN_MUCH_LATER
        elif note.event == RESET or principal.can(box.registry.live[note.event]):
            yield note.line()


def _still(box: Box, request: Request) -> Principal | None:
    try:
        return _authenticate(box, request)
    except DomainError:
        return None


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


def main() -> None:
    from appliance.entrypoints.boot import boot

    settings = load_settings()
    serve(build(boot("live")), host=settings.server.host, port=settings.server.port + 1)


if __name__ == "__main__":
    main()
