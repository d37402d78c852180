"""Sockets of programs: who is let in, how many, and how each ends.

Pages have none: a session of a browser is not enough, so no other site can open one.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from appliance.core.box import Box
from appliance.core.errors import DomainError, Forbidden, TooMany, Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.core.live import Hub, Note
from appliance.core.web import Principal
from appliance.entrypoints.hearing import authenticate

MOST_OF_A_TENANT = 20  # of each kind
GONE, TRY_AGAIN, NO_LONGER = 1001, 1013, 1008  # https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1


class Sockets(ABC):
    """One per process and kind."""

    def __init__(self, box: Box, hub: Hub) -> None:
        self._box, self._hub = box, hub
        self._open: Counter[UUID] = Counter()

    @abstractmethod
    def enter(self, socket: HTTPConnection) -> Principal:
        """Who it is. Raises DomainError, which is its answer."""

    @abstractmethod
    def hear(self, socket: WebSocket, principal: Principal) -> AsyncGenerator[Note | None]:
        """Its first is None: from there on nothing is missed. Raises DomainError."""

    @abstractmethod
    async def tell(self, socket: WebSocket, principal: Principal, notes: AsyncIterator[Note | None], leaving: asyncio.Task[None]) -> int:
        """The code that it ends with."""

    async def answer(self, socket: WebSocket) -> None:
        try:
            principal = await asyncio.to_thread(self.enter, socket)
            self._check_room(principal.tenant_id)
        except DomainError as err:
            await _deny(socket, err)
            return
        self._open[principal.tenant_id] += 1
        try:
            async with aclosing(self.hear(socket, principal)) as notes:
                await self._serve(socket, principal, notes)
        except (WebSocketDisconnect, RuntimeError):  # it left while it was told, which starlette says in either way
            pass
        finally:
            self._open -= Counter([principal.tenant_id])

    async def _serve(self, socket: WebSocket, principal: Principal, notes: AsyncIterator[Note | None]) -> None:
        """Whose socket is open is told everything."""
        try:
            await anext(notes)
        except DomainError as err:
            await _deny(socket, err)
            return
        await socket.accept()
        leaving = asyncio.create_task(_until_gone(socket))
        try:
            await socket.close(await self.tell(socket, principal, notes, leaving))
        finally:
            leaving.cancel()

    def _check_room(self, tenant_id: UUID) -> None:
        if self._open[tenant_id] >= MOST_OF_A_TENANT:
            raise TooMany(_("Too many programs listen. Close some and try again."), retry_after=30)
        self._hub.check_room(tenant_id)


def by_key(box: Box, socket: HTTPConnection, *permissions: str) -> Principal:
    """Raises Unauthenticated, Forbidden."""
    found = authenticate(box, socket)
    if found is None or found.via != "api_key":
        raise Unauthenticated(_("Show an API key of this box in the header X-API-Key."))
    if not all(found.can(permission) for permission in permissions):
        raise Forbidden(_("Your role does not allow this. Ask an administrator of your organisation."))
    return found


async def _deny(socket: WebSocket, err: DomainError) -> None:
    await socket.send_denial_response(JSONResponse({"detail": str(err)}, status_code=err.status))


async def _until_gone(socket: WebSocket) -> None:
    """What programs say is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
