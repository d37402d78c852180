"""Group commit: webhooks that arrive while one is being written are written together, with one fsync and one wake-up.

Whoever finds the pen free writes for all that wait; nobody is answered before the commit that holds their own webhook.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.box import Box
from appliance.core.errors import DomainError

T = TypeVar("T")
Write = Callable[[Box, UUID, Sequence[T]], None]
LARGEST_GROUP = 32
log = structlog.get_logger()


# What one bad item can do to a group; then each is written alone and only the bad one fails.
SPOILS_A_GROUP = (SQLAlchemyError, DomainError, LookupError, TypeError, ValueError)


@dataclass
class _Ticket(Generic[T]):
    tenant_id: UUID
    item: T
    done: bool = False
    spoilt: bool = False


class Group(Generic[T]):
    def __init__(self, box: Box, write: Write[T]) -> None:
        self._box = box
        self._write = write
        self._pen = threading.Lock()
        self._door = threading.Lock()
        self._waiting: list[_Ticket[T]] = []

    def run(self, tenant_id: UUID, item: T) -> None:
        """Returns once `item` is committed; raises what its own writing raised."""
        ticket = _Ticket(tenant_id, item)
        with self._door:
            self._waiting.append(ticket)
        with self._pen:
            while not (ticket.done or ticket.spoilt):
                self._write_group(self._next_group())
            if ticket.spoilt:
                self._write(self._box, tenant_id, [item])

    def _next_group(self) -> list[_Ticket[T]]:
        """The longest waiting and those of the same organisation behind it."""
        with self._door:
            tenant_id = self._waiting[0].tenant_id
            group = [ticket for ticket in self._waiting if ticket.tenant_id == tenant_id][:LARGEST_GROUP]
            taken = {id(ticket) for ticket in group}
            self._waiting = [ticket for ticket in self._waiting if id(ticket) not in taken]
        return group

    def _write_group(self, group: list[_Ticket[T]]) -> None:
        written = False
        try:
            self._write(self._box, group[0].tenant_id, [ticket.item for ticket in group])
            written = True
        except SPOILS_A_GROUP as err:
            log.warning("group_spoilt", size=len(group), error=type(err).__name__)
        finally:
            for ticket in group:
                ticket.done, ticket.spoilt = written, not written


def group_of(box: Box, write: Write[T]) -> Group[T]:
    try:
        return box.part(Group)
    except KeyError:
        box.provide(Group, Group(box, write))
        return box.part(Group)
