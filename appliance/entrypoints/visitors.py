"""The live stream of a visitor's chat: it says that there is news or that somebody writes, never what. The page asks for its own thread."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from appliance.core.box import Box
from appliance.core.errors import DomainError, NotFound, TooMany
from appliance.core.i18n import lazy_gettext as _
from appliance.core.live import ELSEWHERE, RESET, Hub, Note, notes_for
from appliance.core.outbox import event_name
from appliance.core.web.limits import RateLimits
from appliance.domains.channels import actions
from appliance.domains.channels.types import Visit
from appliance.domains.conversations import events, queries
from appliance.domains.conversations.types import MessageStatus, Presence
from appliance.entrypoints.webhooks import caller_of

PATH = "/chat/{key}/events"
TOKEN_HEADER = "x-visitor"  # noqa: S105 - the header's name
MOST = 1000
MOST_OF_A_TENANT = 250  # half of what an organisation may hold: visitors never take the team's places
MOST_OF_A_VISITOR = 3
RATE = "60/minute"  # of one address
RECHECK_S = 30.0
NEWS, WRITING, STILL = (f'data: {{"event": "{event}"}}\n\n' for event in ("news", "writing", "still"))
_PERSON = event_name(events.PersonHere)
_STATUS = event_name(events.MessageStatusChanged)
_TELLING = frozenset(map(event_name, (events.MessageReceived, events.ConversationChanged, events.HandoffRequested)))


class VisitorStreams:
    """One per process."""

    def __init__(self, box: Box, hub: Hub) -> None:
        self._box = box
        self._hub = hub
        self._rates = RateLimits(box.redis)
        self._open: Counter[tuple[UUID, str]] = Counter()

    async def answer(self, request: Request) -> Response:
        try:
            visit, conversation_id = await asyncio.to_thread(self._enter, request)
            self._check_room(visit)
        except DomainError as err:
            wait = {"Retry-After": f"{err.retry_after:.0f}"} if isinstance(err, TooMany) else {}
            return JSONResponse({"detail": str(err)}, status_code=err.status, headers=wait)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._lines(request, visit, conversation_id), HTTPStatus.OK, headers, "text/event-stream")

    def _enter(self, request: Request) -> tuple[Visit, UUID]:
        """Raises NotFound before the visitor has written: there is nothing to hear of yet; TooMany."""
        self._rates.check(RATE, caller_of(request.scope, self._box.settings.server.trusted_proxies), "chat_events")
        return self._recognise(request)

    def _recognise(self, request: Request) -> tuple[Visit, UUID]:
        visit = actions.recognise_visitor(self._box, request.path_params["key"], request.headers.get(TOKEN_HEADER, ""))
        with self._box.unit(visit.tenant_id, read_only=True) as uow:
            conversation_id = queries.find_thread(uow, visit.channel_id, visit.visitor)
        if conversation_id is None or not visit.is_open:
            raise NotFound(_("This chat has not begun."))
        return visit, conversation_id

    def _check_room(self, visit: Visit) -> None:
        own = sum(number for (tenant_id, _visitor), number in self._open.items() if tenant_id == visit.tenant_id)
        theirs = self._open[visit.tenant_id, visit.visitor]
        if theirs >= MOST_OF_A_VISITOR or own >= MOST_OF_A_TENANT or self._open.total() >= MOST:
            raise TooMany(_("Too many open chats. Messages still come, a little later."), retry_after=30)
        self._hub.check_room(visit.tenant_id)

    async def _lines(self, request: Request, visit: Visit, conversation_id: UUID) -> AsyncIterator[str]:
        place = visit.tenant_id, visit.visitor
        self._open[place] += 1
        checked = time.monotonic()
        writers = set[str]()
        try:
            async for note in notes_for(self._hub, visit.tenant_id, after=None):
                if time.monotonic() - checked >= RECHECK_S:
                    checked = time.monotonic()
                    await asyncio.to_thread(self._recognise, request)
                if note is None:
                    yield ": still here\n\n"
                elif line := line_of(note, conversation_id, writers):
                    yield line
        except DomainError:  # switched off or deleted meanwhile: the page asks again and is told
            return
        finally:
            self._open -= Counter([place])


def line_of(note: Note, conversation_id: UUID, writers: set[str]) -> str:
    """What the visitor is told; `writers`: who of the team writes to them, kept up to date. Nobody's name leaves here."""
    if is_news(note, conversation_id):
        return NEWS
    if note.event != _PERSON or note.ids.get("conversation_id") != str(conversation_id):
        return ""
    wrote, person = bool(writers), str(note.ids.get("user_id"))
    if note.ids.get("state") == Presence.TYPING:
        writers.add(person)
        return WRITING
    writers.discard(person)
    return STILL if wrote and not writers else ""


def is_news(note: Note, conversation_id: UUID) -> bool:
    """Whether the visitor has something to fetch: of their own conversation, and nothing that stays inside the team."""
    if note.event in {RESET, ELSEWHERE}:
        return True
    if note.ids.get("conversation_id") != str(conversation_id):
        return False
    return note.event in _TELLING or (note.event == _STATUS and note.ids.get("status") == MessageStatus.SENT)
