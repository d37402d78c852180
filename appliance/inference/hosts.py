"""One language model on several machines: a question goes to the one with the least to do, and on to the next where that one is away.

One host does without: here its whole answers would be streamed, for which an OpenAI-compatible server does not count what it read, 120
tokens take 10 to 20 ms longer (40 ms of processor time, with the host's), and once it is away each question would wait for it anew.
"""

import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import IntEnum

import structlog

from appliance.core.breaker import OPEN_FOR_S
from appliance.core.errors import DomainError, Unavailable
from appliance.core.outbound import NotAllowed
from appliance.inference import structured
from appliance.inference.engines import Asked, RemoteChat, broken_off, listed
from appliance.inference.errors import KeyRefused, ModelRefused, NoModel
from appliance.inference.types import ChatHost, ChatResult, ModelInfo

DOUBLINGS = 2  # of a rest: more, and a host that is back would be missed
LEAST_S = 0.01  # of a wait: none is an error of the socket
log = structlog.get_logger()


class Standing(IntEnum):
    """In the order in which they are asked."""

    ON_TRIAL = 0  # it has rested: one question finds out
    WELL = 1
    RESTING = 2


@dataclass(eq=False)
class Host:
    engine: RemoteChat
    under_way: int = 0  # questions, of this process
    failures: int = 0  # in a row
    rests_until: float = 0.0
    lacks: set[str] = field(default_factory=set)  # models

    def standing(self, now: float) -> Standing:
        if not self.failures:
            return Standing.WELL
        return Standing.RESTING if now < self.rests_until else Standing.ON_TRIAL

    def rest(self, now: float) -> None:
        self.failures += 1
        self.rests_until = now + OPEN_FOR_S * 2 ** min(self.failures - 1, DOUBLINGS)


class Spread:
    """Engines with the same model. A host that was given up may compute a chat as well: nothing comes of it but its work."""

    def __init__(self, engines: Sequence[RemoteChat], *, chat_s: float) -> None:
        """`chat_s`: the time of a chat that is not streamed."""
        self.name = engines[0].name
        self._hosts = [Host(one) for one in engines]
        self._chat_s = chat_s
        self._last = -1
        self._lock = threading.Lock()

    def chat(self, asked: Asked) -> ChatResult:
        """As a stream, in which a host that is silent shows long before the time of the whole is over."""
        limited = replace(asked, within_s=min(asked.within_s, self._chat_s))

        def once() -> ChatResult:
            *_pieces, whole = self.stream(limited)
            assert isinstance(whole, ChatResult)
            return whole

        return once() if asked.schema is None else structured.insist(once, asked.schema)

    def stream(self, asked: Asked) -> Generator[str | ChatResult]:
        ends = time.monotonic() + asked.within_s
        left, failed = list(self._hosts), list[DomainError]()
        while left and (not failed or time.monotonic() < ends):
            host, has_begun = self._take(left), False
            try:
                with closing(host.engine.stream(_share(asked, ends, len(left)))) as pieces:
                    for piece in pieces:
                        if not has_begun and not _says_something(piece):
                            raise broken_off()
                        if not has_begun:
                            has_begun = self._is_well(host, asked.model)
                        yield piece
            except (Unavailable, NotAllowed, NoModel, KeyRefused) as err:
                if not has_begun or time.monotonic() < ends:  # who speaks, but too long, is well
                    self._failed(host, err, asked.model)
                if has_begun:
                    raise
                failed.append(err)
            except ModelRefused:  # it is well, and would be refused elsewhere too
                self._is_well(host, asked.model)
                raise
            else:
                return
            finally:
                self._give_back(host)
            left.remove(host)
        raise _of_all(failed)

    def models(self) -> list[ModelInfo]:
        told = self._told()
        found = {model.name: model for one in told if not isinstance(one, DomainError) for model in one}
        failed = [one for one in told if isinstance(one, DomainError)]
        if len(failed) == len(told):
            raise _of_all(failed)
        return list(found.values())

    def hosts(self) -> list[ChatHost]:
        return [host.engine.state(told) for host, told in zip(self._hosts, self._told(), strict=True)]

    def _told(self) -> list[list[ModelInfo] | DomainError]:
        """By host; all are asked at once, so that those who are away are waited for together."""
        with ThreadPoolExecutor(len(self._hosts)) as pool:
            return list(pool.map(lambda host: listed(host.engine), self._hosts))

    def _take(self, left: Sequence[Host]) -> Host:
        now = time.monotonic()

        def order(host: Host) -> tuple[int, int, int]:
            return host.standing(now), host.under_way, (self._hosts.index(host) - self._last - 1) % len(self._hosts)

        with self._lock:
            host = min(left, key=order)
            self._last = self._hosts.index(host)
            host.under_way += 1
            if host.standing(now) is Standing.ON_TRIAL:
                host.rest(now)  # for all others, until it answers
            return host

    def _give_back(self, host: Host) -> None:
        with self._lock:
            host.under_way -= 1

    def _is_well(self, host: Host, model: str) -> bool:
        with self._lock:
            host.failures = 0
            host.lacks.discard(model)
        return True

    def _failed(self, host: Host, err: DomainError, model: str) -> None:
        """Whoever lacks a model answers, and may have the one of the next question. Who rests already rests no longer for it."""
        is_known = False
        with self._lock:
            if isinstance(err, NoModel):
                host.failures, is_known = 0, model in host.lacks
                host.lacks.add(model)
            elif not host.failures:
                host.rest(time.monotonic())
        if not is_known:
            log.warning("chat_host_passed_over", host=host.engine.host, error=type(err).__name__)


def _says_something(piece: str | ChatResult) -> bool:
    return bool(piece.text if isinstance(piece, ChatResult) else piece)


def _share(asked: Asked, ends: float, left: int) -> Asked:
    """Who says nothing for an equal share of the time leaves the rest to the others."""
    within_s = max(LEAST_S, ends - time.monotonic())
    return replace(asked, within_s=within_s, silent_s=within_s / left)


def _of_all(failed: Sequence[DomainError]) -> DomainError:
    """The last, but one who is away may have what another lacks, and may be back where another is not allowed."""
    return min(reversed(failed), key=lambda err: (isinstance(err, NoModel), isinstance(err, NotAllowed)))
