"""Files written out piece by piece. Each holds a thread while its reader takes it, so that only half of the threads may do this at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app

from appliance.core.errors import TooMany
from appliance.core.i18n import lazy_gettext as _

NAME = "file_places"


def prepare(app: Flask, threads: int) -> None:
    app.extensions[NAME] = threading.BoundedSemaphore(max(1, threads // 2))


def send_file(pieces: Iterator[bytes] | Iterator[str], **more: Any) -> Response:
    """Raises TooMany when all places are taken."""
    places: threading.BoundedSemaphore = current_app.extensions[NAME]
    if not places.acquire(blocking=False):
        raise TooMany(_("Too many attempts. Wait a moment and try again."), retry_after=5)
    response = Response(pieces, **more)
    response.call_on_close(places.release)
    return response
