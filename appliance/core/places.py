"""Places for slow work that holds a thread, so that it holds some of a process's threads and not all. One person may have half."""

import threading
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar

asking: ContextVar[str] = ContextVar("asking", default="")  # who this thread works for: a person, or the address of a stranger


class Places:
    def __init__(self, most: int) -> None:
        self._most = most
        self._each = max(1, most // 2)
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self) -> Callable[[], None] | None:
        """For whoever is asking. What is returned gives the place back, however often it is called; None when there is none."""
        who = asking.get()
        with self._lock:
            if self._taken.total() >= self._most or self._taken[who] >= self._each:
                return None
            self._taken[who] += 1
        held = [who]
        return lambda: self._give_back(held)

    def _give_back(self, held: list[str]) -> None:
        with self._lock:
            self._taken -= Counter(held)  # which also forgets who holds none
            held.clear()
