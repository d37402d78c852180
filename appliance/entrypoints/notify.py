"""Word to systemd that this process serves, and then, for as long as it works, that it still does: the datagrams of sd_notify(3).

Without a systemd that asks for it (`salesedge up`, a terminal) nothing is said and no thread started.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

LOOKS_EVERY_S = 0.2  # until it serves
BEATS_EVERY_S = 10.0


class Pulse:
    """A loop says by when it will have turned again; late is stuck."""

    def __init__(self) -> None:
        self._until = 0.0

    def beat(self, within_s: float) -> None:
        self._until = time.monotonic() + within_s

    def is_fresh(self) -> bool:
        return time.monotonic() < self._until


def watch(works: Callable[[], bool]) -> None:
    """`works` says whether this process does what it is for; it is asked again and again, in a thread of its own."""
    address = os.environ.pop("NOTIFY_SOCKET", "")  # whom this process starts has nothing to tell
    if not address:
        return
    budget_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    pause_s = min(BEATS_EVERY_S, budget_s / 4) if budget_s else BEATS_EVERY_S
    threading.Thread(target=_tell, args=(address, works, pause_s), name="notify", daemon=True).start()


def _tell(address: str, works: Callable[[], bool], pause_s: float) -> None:
    while not works():
        time.sleep(LOOKS_EVERY_S)
    _send(address, "READY=1\nWATCHDOG=1")
    while True:
        time.sleep(pause_s)
        if works():
            _send(address, "WATCHDOG=1")


def _send(address: str, state: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
        door.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        door.sendall(state.encode())
