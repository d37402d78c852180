"""The HTTP side: routes, errors, measurements and the start and end of the process."""

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelserver import routes_index, routes_models, routes_speech
from modelserver.hub import Hub
from modelserver.index.store import Store
from modelserver.metering import Meters
from modelserver.options import Options
from modelserver.problems import Problem
from modelserver.state import State, state_of

UNLOAD_EVERY_S = 15.0
OPEN_ROUTES = ("/health", "/health/ready")


def create_app(options: Options) -> Starlette:
    """Raises BadOption."""
    key, token = options.index_key(), options.token()
    store = None if key is None else Store(options.indexes, key, ivf_above=options.ivf_above)
    state = State(options, Hub(options), store, Meters())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if store is not None:
            store.start()
        unloading = asyncio.create_task(_unload_often(state))
        try:
            yield
        finally:
            unloading.cancel()
            if store is not None:
                await asyncio.to_thread(store.close)
            await asyncio.to_thread(state.hub.close)

    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
            *routes_models.ROUTES,
            *routes_speech.ROUTES,
            *routes_index.ROUTES,
        ],
        exception_handlers={Problem: on_problem, HTTPException: on_http_error, Exception: on_bug},
        lifespan=lifespan,
    )
    app.state.server = state
    app.add_middleware(Edge, state=state, token=token)
    return app


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Ready when the models that requests name by default are there; loading them waits for the first request."""
    state = state_of(request)
    found = await asyncio.to_thread(state.hub.shelf.installed)
    wanted = state.options.embedding_model
    has_embedder = any(model.task == "embedding" and model.name == wanted for model in found)
    body = {
        "status": "ready" if has_embedder else "degraded",
        "embedding_model": wanted if has_embedder else None,
        "chat_models": [model.name for model in found if model.task == "chat"],
        "transcription_models": [model.name for model in found if model.task == "transcription"],
        "indexes": state.store is not None,
    }
    return JSONResponse(body, HTTPStatus.OK if has_embedder else HTTPStatus.SERVICE_UNAVAILABLE)


async def metrics(request: Request) -> Response:
    state = state_of(request)
    for lane in (*state.hub.lanes.values(), state.hub.index_lane):
        state.meters.inside.labels(lane.name).set(lane.inside)
        counted = state.meters.shed.labels(lane.name)
        counted.inc(lane.take_shed())
    state.meters.loaded.clear()
    for name, loaded in list(state.hub.loaded.items()):
        state.meters.loaded.labels(name).set(loaded.memory_bytes)
    if state.store is not None:
        state.meters.vectors.set(sum(space.count for space in state.store.opened()))
    return PlainTextResponse(state.meters.text(), media_type="text/plain; version=0.0.4")


async def on_problem(_request: Request, err: Exception) -> Response:
    assert isinstance(err, Problem)
    return JSONResponse(err.body(), err.status, err.headers())


async def on_http_error(_request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    return on_status(err.status_code)


async def on_bug(_request: Request, _err: Exception) -> Response:
    """The traceback is in the server's log; the caller learns that it was not their fault."""
    return on_status(HTTPStatus.INTERNAL_SERVER_ERROR)


def on_status(status: int) -> Response:
    sentences = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
        HTTPStatus.UNAUTHORIZED: "The bearer token is missing or wrong.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is larger than this server accepts.",
        HTTPStatus.INTERNAL_SERVER_ERROR: "The model server failed on this request; its log says why.",
    }
    code = HTTPStatus(status)
    return JSONResponse(Problem(code, code.name.lower(), sentences.get(code, code.phrase)).body(), code)


class Edge:
    """Token, body size and measurements, around every route."""

    def __init__(self, app: ASGIApp, state: State, token: str | None) -> None:
        self._app = app
        self._state = state
        self._token = token
        self._most = state.options.max_body_mb << 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not self._may_enter(scope["path"], headers):
            await on_status(HTTPStatus.UNAUTHORIZED)(scope, receive, send)
        elif int(headers.get(b"content-length", b"0") or 0) > self._most:
            await on_status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)(scope, receive, send)
        else:
            await self._measured(scope, receive, send)

    def _may_enter(self, path: str, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return self._token is None or path in OPEN_ROUTES or hmac.compare_digest(given, self._token.encode())

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, seen = time.perf_counter(), {"status": 500}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        try:
            await self._app(scope, _limited(receive, self._most), watch)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._state.meters.requests.labels(route, str(seen["status"])).inc()
            self._state.meters.seconds.labels(route).observe(time.perf_counter() - started)


def _limited(receive: Receive, most: int) -> Callable[[], Awaitable[Any]]:
    """Stops a body that is longer than it said, or did not say."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    return limited


async def _unload_often(state: State) -> None:
    while state.options.idle_unload_s > 0:
        await asyncio.sleep(min(UNLOAD_EVERY_S, state.options.idle_unload_s / 2))
        await state.hub.unload_idle()
