"""The socket of a program that follows the box: /ws?topics=inbox,sessions,notifications, with an API key.

It tells what pages hear on /events, a frame each.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from appliance.core.errors import Refused, Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.core.live import RESET, Note
from appliance.core.outbox import event_name
from appliance.core.web import Principal
from appliance.domains.channels.events import ChannelChanged, LinkChanged
from appliance.domains.conversations.events import NoticeMade, NoticesDropped
from appliance.domains.conversations.manifest import MANIFEST as CONVERSATIONS
from appliance.entrypoints.hearing import heard, number_of
from appliance.entrypoints.sockets import GONE, NO_LONGER, TRY_AGAIN, Sockets, by_key

PATH = "/ws"
_NOTIFICATIONS = frozenset(map(event_name, (NoticeMade, NoticesDropped)))
TOPICS = {
    "inbox": frozenset(map(event_name, CONVERSATIONS.live)) - _NOTIFICATIONS,
    "sessions": frozenset(map(event_name, (ChannelChanged, LinkChanged))),
    "notifications": _NOTIFICATIONS,
}


class TopicSockets(Sockets):
    def enter(self, socket: HTTPConnection) -> Principal:
        """Raises Refused, Unauthenticated, Forbidden."""
        events = set[str]().union(*(TOPICS[topic] for topic in topics_of(socket)))
        return by_key(self._box, socket, *{self._box.registry.live[event] for event in events})

    def hear(self, socket: WebSocket, principal: Principal) -> AsyncGenerator[Note | None]:
        return heard(self._box, self._hub, socket, principal, after=number_of(socket.query_params.get("last", "")))

    async def tell(self, socket: WebSocket, principal: Principal, notes: AsyncIterator[Note | None], leaving: asyncio.Task[None]) -> int:
        del principal
        wanted = {event: topic for topic in topics_of(socket) for event in TOPICS[topic]}
        try:
            async for note in notes:
                if leaving.done():
                    return GONE
                if note is not None and (note.event in wanted or note.event == RESET):
                    await socket.send_text(_said(note, wanted.get(note.event)))
        except Unauthenticated:
            return NO_LONGER
        return TRY_AGAIN


def topics_of(socket: HTTPConnection) -> list[str]:
    """All, where none is named."""
    named = [topic for topic in socket.query_params.get("topics", "").split(",") if topic] or list(TOPICS)
    if not TOPICS.keys() >= set(named):
        raise Refused(_("There are the topics %(names)s.", names=", ".join(TOPICS)))
    return named


def _said(note: Note, topic: str | None) -> str:
    return json.dumps({"seq": note.seq, "topic": topic, "event": note.event, "ids": note.ids})
