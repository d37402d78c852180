"""Group commit: what arrives while one group is being written is written together as the next, with one fsync and one wake-up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Sequence, Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.core import tracing
from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _

K = TypeVar("K", bound=Hashable)
Item = TypeVar("Item", bound=Sized)
R = TypeVar("R")
LARGEST_GROUP = 64
LARGEST_GROUP_BYTES = 4 * 2**20
MOST_WAITING = 1000
MOST_WAITING_BYTES = 64 * 2**20
LONGEST_WAIT_S = 15.0
CLOSING_S = 2.0  # the process has ten seconds to end, and closes one after the other
LOOK_EVERY_S = 1.0
GATHER_S = 0.005


class _Ticket(Generic[K, Item, R]):
    __slots__ = ("done", "item", "key", "loop", "parent", "since")

    def __init__(self, key: K, item: Item) -> None:
        self.key, self.item = key, item
        self.loop = asyncio.get_running_loop()
        self.since = self.loop.time()
        self.parent = tracing.traceparent()
        self.done: asyncio.Future[R] = self.loop.create_future()


@dataclass
class GroupCommit(Generic[K, Item, R]):
    """`write` puts items of one key into the database, in the order they came, on a thread that does nothing else.

    It says what became of each; an error is raised where that one waits. The length of an item is about its bytes.
    """

    write: Callable[[K, Sequence[Item]], Sequence[R | Exception]]

    def __post_init__(self) -> None:
        self._door = threading.Condition()
        self._waiting: list[_Ticket[K, Item, R]] = []
        self._asking: dict[_Ticket[K, Item, R], None] = {}  # the longest waiting first; only the loop looks at them
        self._watch: asyncio.TimerHandle | None = None
        self._bytes = 0
        self._expected = 1
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    async def add(self, key: K, item: Item) -> R:
        """Returns what became of `item`, committed. Raises what its writing raised, Unavailable when too many wait or it takes too long."""
        ticket: _Ticket[K, Item, R] = _Ticket(key, item)
        with self._door:
            if self._closed or len(self._waiting) >= MOST_WAITING or self._bytes + len(item) > MOST_WAITING_BYTES:
                raise Unavailable(_("The box is busy. Nothing was saved; try again in a moment."), retry_after=5)
            self._waiting.append(ticket)
            self._bytes += len(item)
            if len(self._waiting) >= self._expected:
                self._door.notify()
        self._asking[ticket] = None
        if self._watch is None:
            self._watch = ticket.loop.call_later(LOOK_EVERY_S, self._send_away)
        try:
            return await ticket.done
        finally:
            del self._asking[ticket]

    def _send_away(self) -> None:
        """Those who wait too long are told; one timer for all of them costs less than one each."""
        self._watch = None
        for ticket in self._asking:
            if ticket.loop.time() - ticket.since < LONGEST_WAIT_S:
                self._watch = ticket.loop.call_later(LOOK_EVERY_S, self._send_away)
                return
            if not ticket.done.done():
                ticket.done.set_exception(Unavailable(_("The box is busy. Nothing was saved; try again in a moment."), retry_after=5))

    def close(self) -> None:
        """Takes no more, and writes what waits; what the database does not take by then was promised to nobody."""
        with self._door:
            self._closed = True
            self._door.notify()
        self._thread.join(CLOSING_S)

    def _run(self) -> None:
        while group := self._next_group():
            wanted = [ticket for ticket in group if not ticket.done.done()]
            if wanted:
                self._write_group(wanted)

    def _next_group(self) -> list[_Ticket[K, Item, R]]:
        """The longest waiting and those of the same key behind it; nothing once closed.

        Who was just answered often writes again at once: a moment's patience, until as many wait as there were, halves the commits.
        """
        with self._door:
            self._door.wait_for(lambda: self._closed or len(self._waiting) >= self._expected, GATHER_S)
            self._expected = 1
            self._door.wait_for(lambda: self._closed or self._waiting)
            group: list[_Ticket[K, Item, R]] = []
            size = 0
            for ticket in self._waiting:
                if ticket.key != self._waiting[0].key:
                    continue
                size += len(ticket.item)
                if group and (len(group) == LARGEST_GROUP or size > LARGEST_GROUP_BYTES):
                    break
                group.append(ticket)
            taken = set(map(id, group))
            self._waiting = [ticket for ticket in self._waiting if id(ticket) not in taken]
            self._bytes -= sum(len(ticket.item) for ticket in group)
        return group

    def _write_group(self, group: list[_Ticket[K, Item, R]]) -> None:
        outcomes: Sequence[R | Exception]
        try:
            with tracing.within(group[0].parent):  # a group has one; the others' jobs are seen from it
                outcomes = self.write(group[0].key, [ticket.item for ticket in group])
        except Exception as err:  # noqa: BLE001 - the edge of this thread: who waits is told
            outcomes = [err] * len(group)
        # before anybody is told: who asks again at once would be counted twice, and waited for in vain
        self._expected = min(len(group) + len(self._waiting), LARGEST_GROUP)
        if not group[0].loop.is_closed():
            group[0].loop.call_soon_threadsafe(_tell, group, outcomes)


def _tell(group: Sequence[_Ticket[K, Item, R]], outcomes: Sequence[R | Exception]) -> None:
    for ticket, outcome in zip(group, outcomes, strict=True):
        if ticket.done.done():
            continue
        if isinstance(outcome, Exception):
            ticket.done.set_exception(outcome)
        else:
            ticket.done.set_result(outcome)
