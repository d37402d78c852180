"""How much of the memory for files that are coming in may be taken at once, by everybody together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

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

    def share(self) -> Share:
        return Share(self)

    def take(self, more: int, *, of: int) -> None:
        """`of`: what the same body holds. Raises NoRoom."""
        self.check(more, of=of)
        self._held += more

    def give_back(self, size: int) -> None:
        self._held -= size

    def check(self, more: int, *, of: int = 0) -> None:
        part = 2 if self._held == of else 4
        if self._held + more > min(self._most, (self._free() + self._held) // part):
            raise NoRoom


class Share:
    """What one body holds, in bytes, until it is left."""

    def __init__(self, room: Room) -> None:
        self.size = 0
        self._room = room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._room.give_back(self.size)

    def grow_to(self, size: int) -> None:
        """Raises NoRoom."""
        self._room.take(size - self.size, of=self.size)
        self.size = size

    def check(self, size: int) -> None:
        """Raises NoRoom for a body that will not fit."""
        self._room.check(size - self.size, of=self.size)
