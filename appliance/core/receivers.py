"""Programs that the operator lets watch the box, and how spans, log lines and errors reach them. Nobody waits for one of these."""

from __future__ import annotations

import atexit
import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import structlog

from appliance.core import i18n, metrics
from appliance.core.breaker import Breakers
from appliance.core.config import NetworkSettings
from appliance.core.errors import DomainError
from appliance.core.outbound import Client, InvalidAddress, NoAnswer, TransportFailed, vouched

ANSWERS_S = 5.0  # what an exchange may take, to the last byte
FAREWELL_S = 2.0  # of the ten seconds that a process has to end
EVERY_S = 1.0
MOST, AT_ONCE = 2048, 512
MOST_BYTES = 2**20  # before they are compressed; of one thing that is larger they are what it takes
SAYS_EVERY_S = 60.0
RESTS_S, LONGEST_REST_S = 60.0, 3600.0
TOO_MANY = 429
PROTOBUF = {"Content-Type": "application/x-protobuf"}
T = TypeVar("T")
log = structlog.get_logger()
_telling: ContextVar[bool] = ContextVar("telling", default=False)
_belts: list[Belt[Any]] = []


def is_telling() -> bool:
    """What is said meanwhile is about the telling itself: told again, it would never end."""
    return _telling.get()


@contextmanager
def _among_ourselves() -> Iterator[None]:
    token = _telling.set(True)
    try:
        yield
    finally:
        _telling.reset(token)


class Receiver:
    """`signal` is what it takes, in figures and as the purpose of calls. What it does not take is dropped, counted, and said at times."""

    def __init__(self, signal: str, address: str, network: NetworkSettings, headers: Mapping[str, str]) -> None:
        self.signal = signal
        self._address, self._network = address, network
        self._headers = {**headers, "Content-Encoding": "gzip"}
        self._begin()
        os.register_at_fork(after_in_child=self._begin)
        self._rests_until = self._says_at = 0.0
        self._unsaid = 0

    def _begin(self) -> None:
        self._breakers = Breakers()  # a fork may come while a thread of its parent holds their lock

    def send(self, content: bytes, number: int) -> bool:
        """Whether it may have been taken. `number` is how many things are in it. Never for a thread that somebody waits for."""
        with _among_ourselves():
            resting = time.monotonic() < self._rests_until
            why, may_be_there = ("it asked for a rest", False) if resting else self._sent(gzip.compress(content))
        if why:
            self.drop(number, why)
        return may_be_there

    def drop(self, number: int, why: str) -> None:
        with _among_ourselves():
            metrics.UNTOLD.labels(self.signal).inc(number)
            self._unsaid += number
            if time.monotonic() >= self._says_at:
                self._says_at, unsaid, self._unsaid = time.monotonic() + SAYS_EVERY_S, self._unsaid, 0
                log.warning("not_taken", signal=self.signal, why=why, number=unsaid)

    def _sent(self, content: bytes) -> tuple[str, bool]:
        """Why not, or nothing; and whether it may be there all the same. The answer's body is of no interest, so it is not read."""
        try:
            with self._client() as client, client.stream("POST", self._address, content=content, headers=self._headers) as answer:
                if answer.status_code == TOO_MANY:
                    self._rests_until = time.monotonic() + _rest_of(answer.headers.get("retry-after", ""))
                return ("", True) if answer.is_success else (str(answer.status_code), False)
        except DomainError as err:
            return str(i18n.told(err)), isinstance(err, NoAnswer)
        except (TransportFailed, InvalidAddress, OSError) as err:
            return type(err).__name__, False

    def _client(self) -> Client:
        outbound = vouched(self._network, self._address)  # each time: a name may come to point elsewhere
        outbound.breakers = self._breakers
        return outbound.client(self.signal, timeout_s=ANSWERS_S, within_s=ANSWERS_S)


def _rest_of(told: str) -> float:
    return min(float(told), LONGEST_REST_S) if told.isascii() and told.isdigit() else RESTS_S


class Belt(Generic[T]):
    """Whoever lays something on it goes on at once; a thread takes it off and sends it. `pack` may find that nothing is to be sent.

    `lost` is given what was certainly not taken. A fork begins with an empty one: what lay there is its parent's to send.
    """

    def __init__(
        self,
        receiver: Receiver,
        pack: Callable[[list[T]], bytes],
        *,
        most: int = MOST,
        at_once: int = AT_ONCE,
        lost: Callable[[list[T]], None] | None = None,
    ) -> None:
        self._receiver, self._pack, self._lost = receiver, pack, lost
        self._most, self._at_once = most, at_once
        self._begin()
        os.register_at_fork(after_in_child=self._begin)
        if not _belts:
            atexit.register(flush)
        _belts.append(self)

    def _begin(self) -> None:
        self._waiting: SimpleQueue[T | threading.Event] = SimpleQueue()  # may be put into from anywhere, signals too
        self._hurried = threading.Event()
        self._thread: threading.Thread | None = None
        self._door = threading.Lock()

    def put(self, thing: T) -> bool:
        """Whether there was room."""
        if self._waiting.qsize() >= self._most:
            self._receiver.drop(1, "too many wait")
            return False
        self._waiting.put(thing)
        if self._waiting.qsize() >= self._at_once:
            self._hurried.set()
        if self._thread is None:
            self._start()
        return True

    def hurry(self) -> threading.Event:
        """Set once all that waits now was sent or dropped."""
        mark = threading.Event()
        if self._thread is None and self._waiting.empty():
            mark.set()
            return mark
        self._waiting.put(mark)
        self._hurried.set()
        if self._thread is None:
            self._start()
        if self._thread is None:  # at its very end a process may start none
            mark.set()
        return mark

    def _start(self) -> None:
        if not self._door.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"telling-{self._receiver.signal}", daemon=True)
                self._thread.start()
        except RuntimeError:  # the machine has no thread left: the next to come tries again
            self._thread = None
        finally:
            self._door.release()

    def _run(self) -> None:
        try:
            while True:
                self._turn()
        finally:
            self._thread = None

    def _turn(self) -> None:
        taken = [self._waiting.get()]
        if self._waiting.qsize() + 1 < self._at_once:
            self._hurried.wait(EVERY_S)
        self._hurried.clear()
        with suppress(Empty):
            while len(taken) < self._at_once:
                taken.append(self._waiting.get_nowait())
        if not self._waiting.empty():
            self._hurried.set()
        marks = [each for each in taken if isinstance(each, threading.Event)]
        things = [each for each in taken if not isinstance(each, threading.Event)]
        try:
            self._send(things)
        finally:
            for mark in marks:
                mark.set()

    def _send(self, things: list[T]) -> None:
        """In halves where they are too much for one message. What cannot be written or sent must not end the thread."""
        if not things:
            return
        try:
            content = self._pack(things)
            if len(content) > MOST_BYTES and len(things) > 1:
                middle = len(things) // 2
                self._send(things[:middle])
                self._send(things[middle:])
            elif content and not self._receiver.send(content, len(things)) and self._lost is not None:
                self._lost(things)
        except Exception as err:  # noqa: BLE001 - the edge of the thread
            self._receiver.drop(len(things), type(err).__name__)


def flush(within_s: float = FAREWELL_S) -> None:
    """Before a process ends. What is not taken by then is lost with it."""
    ends = time.monotonic() + within_s
    for mark in [belt.hurry() for belt in _belts]:
        mark.wait(max(0.0, ends - time.monotonic()))
