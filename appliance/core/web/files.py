"""Files written out piece by piece. Each holds a thread while its reader takes it, so that only some of the threads may do this at once.

One person may have half of those places, or else one slow reader would have them all. What is small is handed over whole and needs none.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask, Response, current_app, request

from appliance.core.errors import TooMany
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web.auth import current_principal

NAME = "file_places"
WHOLE = 512 * 1024  # what the server in front of a thread takes off its hands at once; a page full of pictures


class Places:
    def __init__(self, most: int) -> None:
        self._most = most
        self._each = max(1, most // 2)
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, who: str) -> Callable[[], None]:
        """What is returned gives the place back, however often it is called. Raises TooMany."""
        with self._lock:
            if self._taken.total() >= self._most or self._taken[who] >= self._each:
                raise TooMany(_("Too many attempts. Wait a moment and try again."), retry_after=5)
            self._taken[who] += 1
        held = [who]
        return lambda: self._give_back(held)

    def _give_back(self, held: list[str]) -> None:
        with self._lock:
            self._taken -= Counter(held)  # which also forgets who holds none
            held.clear()


def prepare(app: Flask, places: int) -> None:
    app.extensions[NAME] = Places(places)


def send_file(pieces: Iterator[bytes] | Iterator[str], **more: Any) -> Response:
    """Raises TooMany when all places are taken, or all of this person's."""
    encoded = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    head = bytearray()
    while len(head) <= WHOLE:
        piece = next(encoded, None)
        if piece is None:
            return Response(bytes(head), **more)
        head += piece
    give_back = _place()
    response = Response(_all(bytes(head), encoded), **more)
    response.call_on_close(give_back)
    return response


def _place() -> Callable[[], None]:
    places: Places = current_app.extensions[NAME]
    principal = current_principal()
    return places.take(principal.user_id.hex if principal else request.remote_addr or "")


def _all(head: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    """Closing this closes the rest."""
    yield head
    yield from rest
