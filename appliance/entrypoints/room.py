"""How much of the memory for files that are coming in may be taken at once, by everybody together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.core import memory

MOST = 2**30  # bytes


class NoRoom(Exception):
    """Too many files are coming in."""


class Room:
    """A quarter of what is free, because what takes a body apart copies it; a body that is alone may have half. Not for threads."""

    def __init__(self, most: int = MOST, free: Callable[[], int] = memory.parts_free) -> None:
        self._most = most
        self._free = free
        self._held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        found = Share(self)
        try:
            yield found
        finally:
            self._held -= found.size

    def take(self, more: int, *, of: int) -> None:
        """`of`: what the same body holds. Raises NoRoom."""
        self.check(more, of=of)
        self._held += more

    def check(self, more: int, *, of: int = 0) -> None:
        part = 2 if self._held == of else 4
        if self._held + more > min(self._most, (self._free() + self._held) // part):
            raise NoRoom


class Share:
    """What one body holds, in bytes."""

    def __init__(self, room: Room) -> None:
        self.size = 0
        self._room = room

    def grow_to(self, size: int) -> None:
        """Raises NoRoom."""
        self._room.take(size - self.size, of=self.size)
        self.size = size

    def check(self, size: int) -> None:
        """Raises NoRoom for a body that will not fit."""
        self._room.check(size - self.size, of=self.size)
