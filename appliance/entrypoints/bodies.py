"""Takes a request's body in before a thread is spent on it: slow senders cost a coroutine, not the box."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import IO

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.core import memory
from appliance.core.i18n import gettext as _
from appliance.core.web.api import GONE
from appliance.entrypoints.room import MOST, NoRoom, Room, Share

IDLE_S = 10.0
SLACK_S = 60.0  # how far a sender may fall behind SLOWEST
SLOWEST = 32 * 1024  # bytes a second
UNREAD_S = 20.0  # how long a reader may take for the piece before
IN_MEMORY = 256 * 1024
PIECE = 64 * 1024
PLAIN_LIMIT = 4 * 2**20  # a body that is no file
AGAIN_S = 15
Headers = Sequence[tuple[bytes, bytes]]


class TooSlow(Exception):
    """Nothing came for a while."""


class TooLarge(Exception):
    """More came than is taken."""


class Gone(Exception):
    """The caller left in the middle."""


class Closed:
    """ASGI middleware for a box that may still be undone: until the doors open it tells only how it is, and takes nothing in."""

    def __init__(self, app: ASGIApp, are_closed: Callable[[], bool]) -> None:
        self._app, self._are_closed = app, are_closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith("/health") or not self._are_closed():
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"retry-after", b"%d" % AGAIN_S)]
            said = _("This box is being updated. Try again in a moment.")
            await refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, said, headers, closing=True)
        else:
            await send({"type": "websocket.close", "code": 1013})


class BodyFirst:
    """ASGI middleware. `file_limit` is in bytes and for multipart bodies of whoever shows what `is_ours`; others may have PLAIN_LIMIT."""

    def __init__(self, app: ASGIApp, *, file_limit: int, is_ours: Callable[[Request], bool], room: Room | None = None) -> None:
        self._app = app
        self._file_limit = file_limit
        self._is_ours = is_ours
        self._room = room or Room(max(MOST, file_limit))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        declared = request.headers.get("content-length", "")
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=memory.parts_folder()) as body, self._room.share() as share:
            try:
                size = await take_in(receive, body, declared.encode(), self._limit(request), share)
            except (TooLarge, TooSlow, NoRoom) as err:
                await _refuse_body(send, err)
                return
            except Gone:
                return
            body.seek(0)
            gone = threading.Event()
            leaving = asyncio.create_task(_notice(receive, gone))
            try:
                told = {**scope, "headers": _with_length(scope["headers"], size), GONE: gone}
                await self._app(told, _replayed(body, size, leaving), _patient(send, gone))
            finally:
                leaving.cancel()

    def _limit(self, request: Request) -> int:
        is_file = request.headers.get("content-type", "").startswith("multipart/") and self._is_ours(request)
        return self._file_limit if is_file else min(PLAIN_LIMIT, self._file_limit)


async def _refuse_body(send: Send, err: TooLarge | TooSlow | NoRoom) -> None:
    if isinstance(err, TooLarge):
        await refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This is larger than the box accepts."), closing=True)
    elif isinstance(err, TooSlow):
        await refuse(send, HTTPStatus.REQUEST_TIMEOUT, _("The request did not arrive in time. Try again."), closing=True)
    else:
        said = _("The box is taking in as many files as it has room for. Try again in a moment.")
        await refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, said, [(b"retry-after", b"%d" % AGAIN_S)], closing=True)


async def take_in(receive: Receive, body: IO[bytes], declared: bytes, limit: int, share: Share) -> int:
    """The size in bytes. Raises TooLarge, TooSlow, NoRoom, Gone.

    Who sends slower than SLOWEST uses up SLACK_S, and what came fast before gives back no more than that.
    """
    announced = int(declared[:19]) if declared.isdigit() else 0
    if announced > limit:
        raise TooLarge
    if announced > IN_MEMORY:
        share.check(announced)
    size, clock = 0, asyncio.get_running_loop().time
    ends = clock() + SLACK_S
    while True:
        piece, more = await _next_piece(receive, min(ends, clock() + IDLE_S))
        ends = min(clock() + SLACK_S, ends + len(piece) / SLOWEST)
        size += len(piece)
        if size > limit:
            raise TooLarge
        _keep(piece, size, body, share)
        if not more:
            return size


async def _next_piece(receive: Receive, until: float) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout_at(until):
            message = await receive()
    except TimeoutError as err:
        raise TooSlow from err
    if message["type"] != "http.request":
        raise Gone
    return message.get("body", b""), message.get("more_body", False)


def _keep(piece: bytes, size: int, body: IO[bytes], share: Share) -> None:
    """What is small has its place in the process, so that people can sign in while files fill the room. Raises NoRoom."""
    if size > IN_MEMORY:
        share.grow_to(size)
    try:
        body.write(piece)
    except OSError as err:
        raise NoRoom from err


def _with_length(headers: Iterable[tuple[bytes, bytes]], size: int) -> list[tuple[bytes, bytes]]:
    """A body that came in pieces has a length by now, which is what WSGI asks for."""
    kept = [(name, value) for name, value in headers if name.lower() not in {b"content-length", b"transfer-encoding"}]
    return [*kept, (b"content-length", str(size).encode())] if size else kept


async def _notice(receive: Receive, gone: threading.Event) -> Message:
    """Waits for the caller to leave; a stream that is being written looks at `gone`."""
    while (message := await receive())["type"] != "http.disconnect":
        continue
    gone.set()
    return message


def _patient(send: Send, gone: threading.Event) -> Send:
    """For a reader who takes nothing more the rest is dropped, so that the thread that writes it is free again."""

    async def hand_over(message: Message) -> None:
        if gone.is_set():
            return
        try:
            async with asyncio.timeout(UNREAD_S):
                await send(message)
        except TimeoutError:
            gone.set()

    return hand_over


def _replayed(body: IO[bytes], size: int, leaving: asyncio.Task[Message]) -> Receive:
    left = size

    async def replay() -> Message:
        nonlocal left
        if left < 0:
            return await asyncio.shield(leaving)
        piece = body.read(PIECE)
        left -= len(piece)
        is_end = left <= 0
        if is_end:
            left = -1
        return {"type": "http.request", "body": piece, "more_body": not is_end}

    return replay


async def refuse(send: Send, status: HTTPStatus, detail: str, headers: Headers = (), *, closing: bool = False) -> None:
    """A problem document; `closing` when the rest of the request is not read."""
    content = json.dumps({"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}).encode()
    end = [(b"connection", b"close")] if closing else []
    await respond(send, status, content, b"application/problem+json", [*headers, *end])


async def respond(send: Send, status: HTTPStatus, content: bytes, kind: bytes, headers: Headers = ()) -> None:
    sized = [(b"content-type", kind), (b"content-length", b"%d" % len(content)), *headers]
    await send({"type": "http.response.start", "status": status.value, "headers": sized})
    await send({"type": "http.response.body", "body": content})
