import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Hurrying(asyncio.SelectorEventLoop):
    """Its clock is ahead of others by as much as somebody says: what is over then is over at once."""

    _ahead = 0.0

    def time(self) -> float:
        return super().time() + self._ahead

    def hurry(self, seconds: float) -> None:
        """From any thread."""
        self._ahead += seconds
        self.call_soon_threadsafe(lambda: None)


def run_async(coroutine: Coroutine[object, object, T]) -> T:
    """In a thread of its own, to the end of its loop: the browser of a test run keeps another open in the main one."""

    def run() -> T:
        with asyncio.Runner(loop_factory=Hurrying) as runner:
            return runner.run(coroutine)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()
