"""The live feed: Redis says that something happened, the outbox says what. A reader that falls behind is told to resume."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import structlog
from redis import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import metrics
from appliance.core.clock import LOOK_BACK
from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.errors import TooMany
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbox import OutboxRow
from appliance.core.queue_server import hear_async

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork

POLL_S = 2.0
REPLAY_LIMIT = 500
QUEUE_LIMIT = 256
MOST_LISTENERS = 2000
MOST_OF_A_TENANT = 500
MOST_OF_A_PERSON = 10
KEEP_ALIVE_S = 5.0
RESET = "live.reset"
ELSEWHERE = "live.elsewhere"  # the last word to a stream whose person opened too many others
READERS = 2  # threads that read for everybody; what else waits in this process does not stand before them
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True)
class Note:
    """`seq` 0: a whisper, which has no place among the events and is not missed."""

    seq: int
    event: str
    ids: dict[str, object]

    @cached_property
    def line(self) -> str:
        """As the browser gets it: the same for everybody who listens."""
        data = json.dumps({"seq": self.seq, "event": self.event, "ids": self.ids})
        return f"id: {self.seq}\ndata: {data}\n\n" if self.seq else f"data: {data}\n\n"


@dataclass(eq=False)
class Listener:
    tenant_id: UUID
    person_id: UUID | None = None
    queue: asyncio.Queue[Note | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT))
    dropped: bool = False
    superseded: bool = False

    def offer(self, note: Note) -> None:
        if self.queue.full():
            self.dropped = self.dropped or note.seq > 0
            return
        self.queue.put_nowait(note)

    def supersede(self) -> None:
        self.dropped = self.superseded = True
        if self.queue.empty():
            self.queue.put_nowait(None)  # it may be waiting for something to say


@dataclass
class _Feed:
    """What has been handed on for one tenant."""

    listeners: dict[Listener, None] = field(default_factory=dict)  # oldest first
    seen: dict[int, float] = field(default_factory=dict)
    high: int = -1


class Hub:
    """One per process: one Redis subscription and one outbox read per tenant, however many browsers listen."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._feeds: dict[UUID, _Feed] = defaultdict(_Feed)
        self._hinted: set[UUID] = set()
        self._wake = asyncio.Event()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="live")

    async def run(self) -> None:
        await asyncio.gather(self._listen(), self._pump())

    async def _read(self, read: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, read, *arguments)

    async def _listen(self) -> None:
        while True:
            try:
                async for told in hear_async(self._box.settings.redis_server, LIVE_CHANNEL):
                    self._hear(json.loads(told))
            except (RedisError, OSError) as err:
                log.warning("live_feed_polls", error=type(err).__name__)
                await asyncio.sleep(POLL_S)

    def _hear(self, told: dict[str, Any]) -> None:
        """A hint that something was committed, or a whisper, which is handed on as it is."""
        tenant_id = UUID(told["tenant"])
        if "seq" in told:
            self._hinted.add(tenant_id)
            self._wake.set()
        elif tenant_id in self._feeds and told["event"] in self._box.registry.live:
            for listener in self._feeds[tenant_id].listeners:
                listener.offer(Note(0, told["event"], told["ids"]))

    async def _pump(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
                wanted, self._hinted = self._hinted, set()
            except TimeoutError:
                wanted = set(self._feeds)
            self._wake.clear()
            await asyncio.gather(*map(self._hand_on, wanted & set(self._feeds)))

    async def _hand_on(self, tenant_id: UUID) -> None:
        feed = self._feeds[tenant_id]
        if feed.high < 0:  # its first listener is still finding out where to begin
            return
        try:
            notes = await self._read(self._read_new, tenant_id, feed.high, frozenset(feed.seen))
        except (SQLAlchemyError, OSError) as err:
            log.warning("live_read_failed", error=type(err).__name__)
            return
        now = time.monotonic()
        for note in notes:
            if note.seq in feed.seen:
                continue
            feed.seen[note.seq] = now
            feed.high = max(feed.high, note.seq)
            for listener in feed.listeners:
                listener.offer(note)
        if len(notes) >= REPLAY_LIMIT:
            self._hinted.add(tenant_id)
            self._wake.set()
        horizon = now - 3 * LOOK_BACK.total_seconds()
        feed.seen = {seq: at for seq, at in feed.seen.items() if at > horizon}

    def _read_new(self, tenant_id: UUID, high: int, seen: frozenset[int]) -> list[Note]:
        """What is newer, and what committed late among the recent. A full read means that more waits."""
        shown = select(OutboxRow).where(OutboxRow.name.in_(self._box.registry.live)).order_by(OutboxRow.seq).limit(REPLAY_LIMIT)
        with self._box.unit(tenant_id, read_only=True) as uow:
            lately = OutboxRow.emitted_at.between(uow.now - LOOK_BACK, uow.now + LOOK_BACK)  # the clock may have been put back since
            recent = select(OutboxRow.seq).where(OutboxRow.seq <= high, lately)
            late = set(uow.session.scalars(recent.where(OutboxRow.name.in_(self._box.registry.live)))) - seen
            rows = [*uow.session.scalars(shown.where(OutboxRow.seq.in_(sorted(late)[:REPLAY_LIMIT])))] if late else []
            rows += uow.session.scalars(shown.where(OutboxRow.seq > high)).all()
            return [_note(row) for row in rows]

    def check_room(self, tenant_id: UUID) -> None:
        """Raises TooMany when this process, or the organisation in it, holds all the streams it should."""
        own = self._feeds[tenant_id].listeners if tenant_id in self._feeds else {}
        if len(own) >= MOST_OF_A_TENANT or sum(len(feed.listeners) for feed in self._feeds.values()) >= MOST_LISTENERS:
            raise TooMany(_("Too many open screens. Close some and try again."), retry_after=30)

    async def join(self, tenant_id: UUID, person_id: UUID | None = None) -> Listener:
        """Of one person's too many streams the oldest end. Raises TooMany."""
        theirs = [one for one in self._feeds[tenant_id].listeners if one.person_id == person_id] if tenant_id in self._feeds else []
        for oldest in theirs[: max(0, len(theirs) - MOST_OF_A_PERSON + 1)] if person_id else []:
            oldest.supersede()
            self.leave(oldest)
        self.check_room(tenant_id)
        listener = Listener(tenant_id, person_id)
        feed = self._feeds[tenant_id]
        feed.listeners[listener] = None
        metrics.STREAMS.labels().inc()
        try:
            if feed.high < 0:
                high, recent = await self._read(self._latest, tenant_id)
                if feed.high < 0:
                    feed.high, feed.seen = high, dict.fromkeys(recent, time.monotonic())
        except BaseException:  # a browser that left while joining leaves no feed behind without a beginning
            self.leave(listener)
            raise
        return listener

    def leave(self, listener: Listener) -> None:
        feed = self._feeds.get(listener.tenant_id)
        if feed is None:
            return
        if listener in feed.listeners:
            del feed.listeners[listener]
            metrics.STREAMS.labels().dec()
        if not feed.listeners:
            del self._feeds[listener.tenant_id]

    def _latest(self, tenant_id: UUID) -> tuple[int, list[int]]:
        with self._box.unit(tenant_id, read_only=True) as uow:
            recent = uow.session.scalars(select(OutboxRow.seq).where(OutboxRow.emitted_at > uow.now - LOOK_BACK))
            return newest(uow), list(recent)

    async def replay(self, tenant_id: UUID, after: int) -> list[Note] | None:
        """What a returning browser missed; None when it missed more than is worth sending and should reload."""
        notes = await self._read(self._read_after, tenant_id, after)
        return None if len(notes) > REPLAY_LIMIT else notes

    def reset_note(self, tenant_id: UUID) -> Note:
        """Tells a browser that missed too much to fetch its screen anew."""
        return Note(self._feeds[tenant_id].high, RESET, {})

    def _read_after(self, tenant_id: UUID, after: int) -> list[Note]:
        with self._box.unit(tenant_id, read_only=True) as uow:
            rows = uow.session.scalars(
                select(OutboxRow)
                .where(OutboxRow.name.in_(self._box.registry.live), OutboxRow.seq > after)
                .order_by(OutboxRow.seq)
                .limit(REPLAY_LIMIT + 1)
            )
            return [_note(row) for row in rows]


def newest(uow: UnitOfWork) -> int:
    return uow.session.scalar(select(func.max(OutboxRow.seq))) or 0


def _note(row: OutboxRow) -> Note:
    return Note(row.seq, row.name, row.payload)


async def notes_for(
    hub: Hub, tenant_id: UUID, *, after: int | None, person_id: UUID | None = None
) -> AsyncGenerator[Note | None]:
    """Missed notes, then new ones as they come; None now and then, so that the caller can keep the line alive.

    Ends when the reader is too slow: the browser reconnects and resumes from its last id.
    """
    listener = await hub.join(tenant_id, person_id)
    sent: set[int] = set()
    patience = KEEP_ALIVE_S * random.uniform(0.6, 1)  # noqa: S311 - no secret: lest all who heard the same stir at the same moment
    try:
        yield None  # from here on nothing is missed
        missed = await hub.replay(tenant_id, after) if after is not None else []
        for note in missed if missed is not None else [hub.reset_note(tenant_id)]:
            sent.add(note.seq)
            yield note
        while not listener.dropped:
            try:
                async with asyncio.timeout(patience):
                    note_or_end = await listener.queue.get()
            except TimeoutError:
                yield None
                continue
            if note_or_end is not None and (note_or_end.seq == 0 or note_or_end.seq not in sent):
                yield note_or_end
        if listener.superseded:
            yield Note(0, ELSEWHERE, {})
    finally:
        hub.leave(listener)
