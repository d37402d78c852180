"""One bounded queue per model: urgent work first, the rest in order, and a clear no when it is full."""

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from modelserver import problems

T = TypeVar("T")
LONGEST_RETRY_S = 30
_SMOOTHING = 0.2


class Lane:
    """`workers` threads run its jobs; at most `limit` requests are inside, running or waiting."""

    def __init__(self, name: str, *, workers: int, limit: int) -> None:
        self.name = name
        self.limit = limit
        self.inside = 0
        self.working = 0
        self._shed = 0
        self.last_used = time.monotonic()
        self.workers = workers
        self._typical_s = 0.5
        self._order = itertools.count()
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], None]]] = queue.PriorityQueue()
        self._threads: list[threading.Thread] = []
        self._counting = threading.Lock()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Raises Problem (503, Retry-After) when the lane is full. Called on the event loop only."""
        if self.inside >= self.limit:
            self._shed += 1
            raise problems.busy(self.name, self.retry_after())
        self.inside += 1
        started = time.monotonic()
        try:
            yield
        finally:
            self.inside -= 1
            self.last_used = time.monotonic()
            self._typical_s += _SMOOTHING * (self.last_used - started - self._typical_s)

    @property
    def idle(self) -> bool:
        """Nobody inside, and no job still at work for someone who has left."""
        return not self.inside and not self.working

    def take_shed(self) -> int:
        """Requests turned away since the last call."""
        taken, self._shed = self._shed, 0
        return taken

    def retry_after(self) -> int:
        return max(1, min(LONGEST_RETRY_S, round(self._typical_s * self.inside / self.workers)))

    async def run(self, job: Callable[[], T], *, urgent: bool = True, timeout_s: float | None) -> T:
        """Run `job` on a worker thread; None waits for as long as the caller. Raises Problem (504) when it does not end in time."""
        self._start_threads()
        future: Future[T] = Future()
        self._jobs.put((0 if urgent else 1, next(self._order), lambda: _fulfil(future, job)))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout_s)
        except TimeoutError as err:
            if timeout_s is None:
                raise
            raise problems.too_slow(self.name, timeout_s) from err

    def _start_threads(self) -> None:
        while len(self._threads) < self.workers:
            thread = threading.Thread(target=self._work, name=f"{self.name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()[2]
            with self._counting:
                self.working += 1
            try:
                job()
            finally:
                with self._counting:
                    self.working -= 1


def _fulfil(future: "Future[T]", job: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as err:  # noqa: BLE001 - handed to the one who waits
        future.set_exception(err)
    else:
        future.set_result(result)
