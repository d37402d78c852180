"""Files written out piece by piece. Each holds a thread, and so a place, while its reader takes it. What is small is handed over whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, current_app

from appliance.core import media_types
from appliance.core.errors import TooMany
from appliance.core.i18n import lazy_gettext as _
from appliance.core.places import Places

NAME = "file_places"
WHOLE = 512 * 1024  # what the server in front of a thread takes off its hands at once; a page full of pictures


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
    places: Places = current_app.extensions[NAME]
    give_back = places.take()
    if give_back is None:
        raise TooMany(_("Too many attempts. Wait a moment and try again."), retry_after=5)
    response = Response(_all(bytes(head), encoded), **more)
    response.call_on_close(give_back)
    return response


def send_stored(pieces: Iterator[bytes], *, media_type: str, name: str) -> Response:
    """Somebody's file: only kinds that cannot carry a script are shown in the page, and under their type. Raises TooMany."""
    inline = media_types.is_harmless(media_type)
    response = send_file(pieces, mimetype=media_type if inline else media_types.UNKNOWN)
    response.headers.set("Content-Disposition", "inline" if inline else "attachment", filename=name)
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _all(head: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    """Closing this closes the rest."""
    yield head
    yield from rest
