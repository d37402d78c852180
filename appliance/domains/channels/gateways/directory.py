"""Which of our numbers a webhook is about. Kept for a moment in each process: a webhook must not cost a look-up of all."""

import threading
import time
from collections.abc import Iterable

from appliance.domains.channels.rules import signature
from appliance.domains.channels.types import Doorway

KEPT_S = 2.0


class Directory:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._doorways: dict[str, Doorway] = {}

    def is_stale(self) -> bool:
        return time.monotonic() - self._read_at > KEPT_S

    def learn(self, doorways: Iterable[Doorway]) -> None:
        with self._lock:
            self._doorways = {doorway.external_id: doorway for doorway in doorways}
            self._read_at = time.monotonic()

    def find(self, external_id: str) -> Doorway | None:
        return self._doorways.get(external_id)

    def signer(self, wanted: Iterable[str], body: bytes, header: str) -> Doorway | None:
        """The number under whose app secret the body is signed: one of those it names, else any of the box."""
        named = [doorway for external_id in wanted if (doorway := self.find(external_id))]
        tried: set[str] = set()
        for doorway in (*named, *self._doorways.values()):
            if doorway.app_secret not in tried and signature.is_signed(doorway.app_secret, body, header):
                return doorway
            tried.add(doorway.app_secret)
        return None
