"""Stops asking somebody who keeps failing, for a while. Holds no lock while a call is under way."""

import threading
import time
from dataclasses import dataclass, field

FAILURES_TO_OPEN = 5
OPEN_FOR_S = 30.0
MOST_KNOWN = 1000


@dataclass
class _Record:
    failures: int = 0
    open_until: float = 0.0


@dataclass
class Breakers:
    """One record a name. Open after so many failures in a row; after `open_for_s` one call may try again."""

    failures_to_open: int = FAILURES_TO_OPEN
    open_for_s: float = OPEN_FOR_S
    _records: dict[str, _Record] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_open(self, name: str) -> bool:
        """False lets the caller try. Of those who come after the pause only the first is let through."""
        now = time.monotonic()
        with self._lock:
            record = self._records.get(name)
            if record is None or record.failures < self.failures_to_open:
                return False
            if now < record.open_until:
                return True
            record.open_until = now + self.open_for_s
            return False

    def failed(self, name: str) -> None:
        with self._lock:
            if len(self._records) >= MOST_KNOWN:
                self._records.clear()
            record = self._records.setdefault(name, _Record())
            record.failures += 1
            if record.failures >= self.failures_to_open:
                record.open_until = time.monotonic() + self.open_for_s

    def succeeded(self, name: str) -> None:
        with self._lock:
            self._records.pop(name, None)
