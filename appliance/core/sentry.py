"""An error as Sentry reads it: kinds, places in the code, and which part of the box it was. Imported only where it is on.

Of what people wrote nothing goes: no text of an error, no value of a variable, no request, no person. What is not known to be harmless is
left out at the end, whatever the library adds.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from redis import Redis, RedisError
from sentry_sdk.client import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.utils import Dsn, event_from_exception

from appliance import __version__
from appliance.core import tracing
from appliance.core.config import NetworkSettings
from appliance.core.receivers import Belt, Receiver, is_telling

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

SAME_AN_HOUR = 5
HOUR_S = 3600
MOST, MOST_KNOWN = 100, 1000
MOST_ERRORS, MOST_FRAMES = 10, 100
WAITS_S = 0.3  # for Redis; a process that ends has two seconds in all
RESTS_S = 30.0  # a Redis that hangs, and an error that was not taken
OURS = ["appliance", "webui"]
OPTIONS: dict[str, Any] = {
    "release": f"salesedge@{__version__}", "default_integrations": False, "auto_enabling_integrations": False, "integrations": [],
    "include_local_variables": False, "include_source_context": False, "max_breadcrumbs": 0,
    "max_request_body_size": "never", "in_app_include": OURS, "spotlight": False, "enable_backpressure_handling": False,
}  # fmt: skip
_EVENT = {"event_id", "timestamp", "platform", "level", "release", "tags", "contexts", "exception", "sdk"}
_ERROR = {"type", "module", "mechanism", "stacktrace"}
_at_hand: ContextVar[Place] = ContextVar("at_hand")
_FRAME = {"function", "module", "filename", "lineno", "in_app"}
_MECHANISM = {"type", "handled", "exception_id", "parent_id", "source", "is_exception_group"}


class Place(NamedTuple):
    """One of the tellings that an error has in an hour."""

    fingerprint: str
    id: str


class Teller:
    def __init__(self, process: str, dsn: str, network: NetworkSettings, redis: Redis) -> None:
        auth = Dsn(dsn).to_auth(f"salesedge/{__version__}")
        headers = {"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": auth.to_header()}
        receiver = Receiver("errors", auth.get_api_url(), network, headers)
        self._process, self._often, self._receiver = process, Often(redis), receiver
        self._belt: Belt[tuple[Place, bytes]] = Belt(receiver, self._pack, most=MOST, at_once=1, lost=self._give_back)
        self._client = Client(dsn=dsn, transport=_Laid(dsn, self._lay), before_send=harmless, **OPTIONS)

    def tell(self, err: BaseException, about: Mapping[str, object], severity: str) -> None:
        if is_telling():
            return
        place = self._often.place_for(print_of(err))
        if place is None:
            return
        event, _ = event_from_exception(err, self._client.options, {"type": "salesedge", "handled": False})
        named = {"process": self._process, "route": about.get("route"), "job": about.get("subscriber") or about.get("job")}
        event["level"] = severity  # type: ignore[typeddict-item]  # of two that it knows
        event["tags"] = {name: str(value) for name, value in named.items() if value}
        if parent := tracing.traceparent():
            event["contexts"] = {"trace": dict(zip(("trace_id", "span_id"), parent.split("-")[1:3], strict=True))}
        token = _at_hand.set(place)
        try:
            self._client.capture_event(event)
        finally:
            _at_hand.reset(token)

    def give_up(self, why: Exception) -> None:
        self._receiver.drop(1, type(why).__name__)

    def _lay(self, envelope: bytes) -> None:
        place = _at_hand.get()
        if not self._belt.put((place, envelope)):
            self._often.free(place)

    def _pack(self, laid: list[tuple[Place, bytes]]) -> bytes:
        ((place, envelope),) = laid
        return b"" if self._often.is_told_by_others(place) else envelope

    def _give_back(self, laid: list[tuple[Place, bytes]]) -> None:
        for place, _envelope in laid:
            self._often.give_back(place)


class _Laid(Transport):
    """The library's way out of the process is not taken: the box has one of its own."""

    def __init__(self, dsn: str, lay: Callable[[bytes], None]) -> None:
        super().__init__({"dsn": dsn})
        self._lay = lay

    def capture_envelope(self, envelope: Envelope) -> None:
        self._lay(envelope.serialize())


@dataclass
class _Told:
    since: float
    places: set[str] = field(default_factory=set)
    rests_until: float = 0.0


class Often:
    """The same error so many times an hour and no more: by this process, and by all of the box as far as Redis is there to ask."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[str, _Told] = {}
        self._asks_from = 0.0

    def place_for(self, fingerprint: str) -> Place | None:
        """In this process, where there is one."""
        now = time.monotonic()
        known = self._known.get(fingerprint)
        if known and now < known.rests_until:
            return None
        if known is None or not known.places or now - known.since >= HOUR_S:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[fingerprint] = _Told(now)
        if len(known.places) >= SAME_AN_HOUR:
            return None
        place = Place(fingerprint, uuid4().hex)
        known.places.add(place.id)
        return place

    def is_told_by_others(self, place: Place) -> bool:
        """Takes the place for all of the box, too."""
        return bool(self._answer(partial(self._is_one_too_many, place)))

    def give_back(self, place: Place) -> None:
        """What was not taken does not count."""
        self.free(place)
        self._answer(lambda: self._redis.srem(_key(place), place.id))

    def free(self, place: Place) -> None:
        """In this process alone. The error rests: one that comes again and again would be tried each time while its receiver is away."""
        known = self._known.get(place.fingerprint)
        if known and place.id in known.places:
            known.places.discard(place.id)
            known.rests_until = time.monotonic() + RESTS_S

    def _answer(self, question: Callable[[], int]) -> int | None:
        """Of Redis. One that hangs is not waited for, and then left alone for a while."""
        if time.monotonic() < self._asks_from:
            return None
        answers: list[int] = []
        asking = threading.Thread(target=_ask, args=(question, answers), name="telling-asks", daemon=True)
        with suppress(RuntimeError):  # at its very end a process may start none
            asking.start()
            asking.join(WAITS_S)
        if not answers:
            self._asks_from = time.monotonic() + RESTS_S
            return None
        return answers[0]

    def _is_one_too_many(self, place: Place) -> int:
        key = _key(place)
        with self._redis.pipeline() as pipe:
            pipe.sadd(key, place.id)
            pipe.scard(key)
            pipe.ttl(key)
            _new, number, left = pipe.execute()
        if left < 0:
            self._redis.expire(key, HOUR_S)
        if number > SAME_AN_HOUR:
            self._redis.srem(key, place.id)
        return int(number > SAME_AN_HOUR)


def _key(place: Place) -> str:
    return f"fault:{place.fingerprint}"


def _ask(question: Callable[[], int], answers: list[int]) -> None:
    with suppress(RedisError, OSError, ValueError):  # ValueError: it was closed meanwhile
        answers.append(question())


def print_of(err: BaseException) -> str:
    """What makes two errors the same: their kinds and where each was raised."""
    places = []
    for one in _with_those_behind(err):
        last = one.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        place = (last.tb_frame.f_globals.get("__name__"), last.tb_lineno) if last else ()
        places.append(f"{type(one).__module__}.{type(one).__qualname__}@{place}")
    return hashlib.sha256("|".join(places).encode()).hexdigest()[:16]


def _with_those_behind(err: BaseException) -> list[BaseException]:
    """The causes of an error, and what a group holds."""
    found: list[BaseException] = []
    waiting = [err]
    while waiting and len(found) < MOST_ERRORS:
        one = waiting.pop(0)
        if any(one is known for known in found):
            continue
        found.append(one)
        behind = one.__cause__ if one.__suppress_context__ else one.__context__
        waiting += [behind] if behind is not None else []
        waiting += one.exceptions[:MOST_ERRORS] if isinstance(one, BaseExceptionGroup) else ()
    return found


def harmless(event: Event, _hint: Hint) -> Event:
    told: Any = {name: value for name, value in event.items() if name in _EVENT}
    told["exception"] = {"values": [_error(error) for error in event["exception"]["values"][-MOST_ERRORS:]]}
    return told  # type: ignore[no-any-return]  # as the library has it


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in error.items() if name in _ERROR}
    told["mechanism"] = {name: value for name, value in (error.get("mechanism") or {}).items() if name in _MECHANISM}
    stack = error.get("stacktrace")
    frames = stack["frames"] if isinstance(stack, dict) else []  # of a very deep one the library gives a mark instead
    told["stacktrace"] = {"frames": [_frame(frame) for frame in frames[-MOST_FRAMES:]]}
    return told


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in frame.items() if name in _FRAME}
    told["filename"] = _within_its_package(str(frame.get("filename") or ""))
    if os.sep in str(told.get("module") or ""):  # Jinja calls a template by its place on this machine
        del told["module"]
    return told


def _within_its_package(path: str) -> str:
    """Where a box is installed is its operator's."""
    if not path.startswith(os.sep):
        return path
    within = [Path(path).relative_to(root) for root in sys.path if root and Path(path).is_relative_to(root)]
    return str(min(within, key=lambda one: len(one.parts), default=Path(Path(path).name)))
