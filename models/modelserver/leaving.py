"""Work for a caller who may leave."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from modelserver import problems

T = TypeVar("T")


async def unless_gone(request: Request, work: Coroutine[Any, Any, T], ending: asyncio.Event | None = None) -> T:
    """Its body has been read. Cancels `work` when the caller leaves, or at `ending`. Raises what `work` raises, and Problem."""
    working, watching = asyncio.create_task(work), [asyncio.create_task(_leaves(request))]
    if ending is not None:  # the work takes minutes, and who asked for it asks again
        watching.append(asyncio.create_task(ending.wait()))
    try:
        await asyncio.wait({working, *watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise problems.ending() if ending is not None and ending.is_set() else problems.gone()
        return working.result()
    finally:
        for task in (working, *watching):
            task.cancel()


async def _leaves(request: Request) -> bool:
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return True
