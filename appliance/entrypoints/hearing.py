"""What somebody who is signed in hears: the events that their permissions cover, looked at again every few seconds."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from uuid import UUID

import flask
from starlette.requests import HTTPConnection

from appliance.core.box import Box
from appliance.core.errors import DomainError, TooMany, Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.core.live import ELSEWHERE, RESET, Hub, Note, notes_for
from appliance.core.web import Authenticator, Principal

LONGEST_NUMBER = 18
RECHECK_S = 5.0  # how long somebody who may no longer listen may still hear


def number_of(last: str) -> int | None:
    """Of the last event that a returning listener heard."""
    return int(last) if last.isascii() and last.isdigit() and len(last) <= LONGEST_NUMBER else None


def as_flask(connection: HTTPConnection) -> flask.Request:
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in connection.headers.items()}
    scheme, path = connection.scope["scheme"], connection.scope["path"]
    return flask.Request({"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.url_scheme": scheme, **headers})


def authenticate(box: Box, connection: HTTPConnection) -> Principal | None:
    return box.part(Authenticator).authenticate(box, as_flask(connection))


class Recheck:
    """Whether who listens still may: asked again every few seconds. `enter` lets in as it did at first, or raises DomainError."""

    def __init__(self, enter: Callable[[], Principal | None], principal: Principal) -> None:
        self._enter, self._principal = enter, principal
        self._checked = time.monotonic() - RECHECK_S * random.random()  # noqa: S311 - who came together is not asked together

    async def principal(self) -> Principal:
        """Raises Unauthenticated once they may hear nothing more."""
        if time.monotonic() - self._checked >= RECHECK_S:
            self._checked = time.monotonic()
            self._principal = await asyncio.to_thread(self._still)
        return self._principal

    def _still(self) -> Principal:
        try:
            now = self._enter()
        except TooMany:  # a good key, which calls much: what it may hear is looked at again later
            return self._principal
        except DomainError:
            now = None
        if now is None or now.tenant_id != self._principal.tenant_id:
            raise Unauthenticated(_("Sign in again."))
        return now


async def heard(
    box: Box, hub: Hub, connection: HTTPConnection, principal: Principal, *, after: int | None, person_id: UUID | None = None
) -> AsyncGenerator[Note | None]:
    """None now and then, as `notes_for`. Raises Unauthenticated once they may hear nothing more."""
    recheck = Recheck(lambda: authenticate(box, connection), principal)
    async for note in notes_for(hub, principal.tenant_id, after=after, person_id=person_id):
        now = await recheck.principal()
        if note is None or note.event in {ELSEWHERE, RESET}:
            yield note
        elif now.can(box.registry.live[note.event]) and (theirs := _told_to(now, note)):
            yield theirs


def _told_to(who: Principal, note: Note) -> Note | None:
    """What names its people is told to nobody else's browser, and there names nobody else; a program follows the whole company."""
    named, own = note.ids.get("user_ids"), str(who.user_id)
    if who.via == "api_key" or not isinstance(named, list):
        return note
    return replace(note, ids={**note.ids, "user_ids": [own]}) if own in named else None
