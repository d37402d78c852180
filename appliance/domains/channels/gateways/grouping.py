"""Group commit: webhooks that arrive while one is being written are written together, with one fsync and one wake-up.

Whoever finds the pen free writes for all that wait; nobody is answered before the commit that holds their own webhook.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from appliance.core.box import Box

T = TypeVar("T")
Write = Callable[[Box, UUID, Sequence[T]], None]
LARGEST_GROUP = 32


@dataclass
class _Ticket(Generic[T]):
    tenant_id: UUID
    item: T
    done: bool = False
    error: BaseException | None = None


class Group(Generic[T]):
    def __init__(self, box: Box, write: Write[T]) -> None:
        self._box = box
        self._write = write
        self._pen = threading.Lock()
        self._door = threading.Lock()
        self._waiting: list[_Ticket[T]] = []

    def run(self, tenant_id: UUID, item: T) -> None:
        """Returns once `item` is committed; raises what its own writing raised, never another's."""
        ticket = _Ticket(tenant_id, item)
        with self._door:
            self._waiting.append(ticket)
        with self._pen:
            while not ticket.done:
                self._write_group(self._next_group())
        if ticket.error is not None:
            raise ticket.error

    def _next_group(self) -> list[_Ticket[T]]:
        """The longest waiting and those of the same organisation behind it."""
        with self._door:
            tenant_id = self._waiting[0].tenant_id
            group = [ticket for ticket in self._waiting if ticket.tenant_id == tenant_id][:LARGEST_GROUP]
            taken = {id(ticket) for ticket in group}
            self._waiting = [ticket for ticket in self._waiting if id(ticket) not in taken]
        return group

    def _write_group(self, group: list[_Ticket[T]]) -> None:
        try:
            self._write(self._box, group[0].tenant_id, [ticket.item for ticket in group])
        except BaseException as err:  # noqa: BLE001 - handed to the thread it belongs to
            for ticket in group:
                if len(group) > 1:
                    self._write_group([ticket])
                else:
                    ticket.error = err
        for ticket in group:
            ticket.done = True


def group_of(box: Box, write: Write[T]) -> Group[T]:
    try:
        return box.part(Group)
    except KeyError:
        box.provide(Group, Group(box, write))
        return box.part(Group)
