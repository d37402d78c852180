"""Takes a request's body in before a thread is spent on it: slow senders cost a coroutine, not the box."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import IO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.core import memory
from appliance.core.i18n import gettext as _
from appliance.core.web.api import GONE

IDLE_S = 10.0
UNREAD_S = 20.0  # how long a reader may take for the piece before
IN_MEMORY = 256 * 1024
PIECE = 64 * 1024
PLAIN_LIMIT = 4 * 2**20  # a body that is no file
Headers = Sequence[tuple[bytes, bytes]]


class TooSlow(Exception):
    """Nothing came for a while."""


class TooLarge(Exception):
    """More came than is taken."""


class Gone(Exception):
    """The caller left in the middle."""


class BodyFirst:
    """ASGI middleware. `file_limit` is in bytes and for multipart bodies; others may have PLAIN_LIMIT."""

    def __init__(self, app: ASGIApp, *, file_limit: int) -> None:
        self._app = app
        self._file_limit = file_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        limit = self._file_limit if headers.get(b"content-type", b"").startswith(b"multipart/") else PLAIN_LIMIT
        with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=memory.parts_folder()) as body:
            try:
                size = await take_in(receive, body, headers.get(b"content-length", b""), limit)
            except TooLarge:
                await refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This is larger than the box accepts."), closing=True)
                return
            except TooSlow:
                await refuse(send, HTTPStatus.REQUEST_TIMEOUT, _("The request did not arrive in time. Try again."), closing=True)
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


async def take_in(receive: Receive, body: IO[bytes], declared: bytes, limit: int) -> int:
    """The size in bytes. Raises TooLarge, TooSlow, Gone."""
    if declared.isdigit() and int(declared[:19]) > limit:
        raise TooLarge
    size = 0
    while True:
        try:
            async with asyncio.timeout(IDLE_S):
                message = await receive()
        except TimeoutError as err:
            raise TooSlow from err
        if message["type"] != "http.request":
            raise Gone
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise TooLarge
        body.write(piece)
        if not message.get("more_body", False):
            return size


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
