"""What waits is taken up in turn: one of each key, so that who asks for much holds up nobody else."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
Item = TypeVar("Item")


class Turns(Generic[K, Item]):
    """Of each key `most` wait, in the order they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[K, deque[Item]] = OrderedDict()
        self._came = threading.Condition()

    def __len__(self) -> int:
        with self._came:
            return sum(map(len, self._waiting.values()))

    def put(self, key: K, item: Item) -> bool:
        """False when too many of this key wait. What waits already is not put again."""
        with self._came:
            mine = self._waiting.setdefault(key, deque())
            if item in mine:
                return True
            if len(mine) >= self._most:
                return False
            mine.append(item)
            self._came.notify()
            return True

    def take(self, timeout_s: float) -> Item | None:
        """None when nothing came meanwhile."""
        with self._came:
            if not self._came.wait_for(lambda: self._waiting, timeout_s):
                return None
            key, mine = self._waiting.popitem(last=False)
            item = mine.popleft()
            if mine:
                self._waiting[key] = mine
            return item
