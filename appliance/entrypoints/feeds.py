"""The socket of a program that listens to a linked number: /ws/whatsapp/<channel>, with an API key; `after` tells again what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from appliance.core.errors import Unauthenticated
from appliance.core.live import Note, notes_for
from appliance.core.outbox import event_name
from appliance.core.web import Principal
from appliance.domains.feeds import actions, queries
from appliance.domains.feeds.api.feeds import LISTEN
from appliance.domains.feeds.events import FeedItemKept
from appliance.entrypoints.hearing import Recheck
from appliance.entrypoints.sockets import GONE, NO_LONGER, TRY_AGAIN, Sockets, by_key

PATH = "/ws/whatsapp/{channel_id:uuid}"
_KEPT = event_name(FeedItemKept)


class FeedSockets(Sockets):
    def enter(self, socket: HTTPConnection) -> Principal:
        """Raises Unauthenticated, Forbidden, FeedNotFound."""
        found = by_key(self._box, socket, LISTEN)
        with self._box.unit(found.tenant_id, read_only=True) as uow:
            queries.get_feed(uow, socket.path_params["channel_id"])
        return found

    def hear(self, socket: WebSocket, principal: Principal) -> AsyncGenerator[Note | None]:
        del socket
        return notes_for(self._hub, principal.tenant_id, after=None)

    async def tell(self, socket: WebSocket, principal: Principal, notes: AsyncIterator[Note | None], leaving: asyncio.Task[None]) -> int:
        tenant_id, channel_id = principal.tenant_id, socket.path_params["channel_id"]
        recheck = Recheck(lambda: self.enter(socket), principal)
        told = await self._tell_missed(socket, tenant_id, channel_id)
        async for note in notes:
            if leaving.done():
                return GONE
            try:
                await recheck.principal()
            except Unauthenticated:
                return NO_LONGER
            if note is not None and note.event == _KEPT and note.ids.get("channel_id") == str(channel_id):
                item_id = UUID(str(note.ids["item_id"]))
                if item_id not in told:
                    await self._say(socket, tenant_id, item_id)
        return TRY_AGAIN

    async def _tell_missed(self, socket: WebSocket, tenant_id: UUID, channel_id: UUID) -> set[UUID]:
        try:
            after = UUID(socket.query_params.get("after", ""))
        except ValueError:
            return set()
        missed = await asyncio.to_thread(self._missed, tenant_id, channel_id, after)
        for item_id in missed:
            await self._say(socket, tenant_id, item_id)
        return set(missed)

    def _missed(self, tenant_id: UUID, channel_id: UUID, after: UUID) -> list[UUID]:
        with self._box.unit(tenant_id, read_only=True) as uow:
            return [item.id for item in queries.list_after(uow, channel_id, after)]

    async def _say(self, socket: WebSocket, tenant_id: UUID, item_id: UUID) -> None:
        said = await asyncio.to_thread(self._said, tenant_id, item_id)
        if said:
            await socket.send_text(said)

    def _said(self, tenant_id: UUID, item_id: UUID) -> str:
        """Empty for what is not told."""
        with self._box.unit(tenant_id, read_only=True) as uow:
            told = queries.find_told_by_id(uow, item_id)
        return actions.body_for(self._box, tenant_id, told) if told else ""
