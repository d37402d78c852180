"""Chat requests: queueing, streaming across threads, and stopping when the caller leaves."""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from http import HTTPStatus

from starlette.requests import Request

from modelserver.hub import Hub
from modelserver.lanes import Lane
from modelserver.leaving import unless_gone
from modelserver.llm import constrained
from modelserver.llm.engine import ChatEngine, ChatRequest, EngineFailed, Usage
from modelserver.problems import Problem
from modelserver.shelf import Installed
from modelserver.wire import ChatBody

DEFAULT_MAX_TOKENS = 1024


class Chat:
    """One request, from the queue to its last piece. Holds its place in the lane until `close`."""

    def __init__(self, hub: Hub, body: ChatBody) -> None:
        self._hub = hub
        self._asked = to_request(body, hub.options.context_tokens)
        self._installed: Installed = hub.find(body.model, "chat")
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._first: str | None = None
        self._stopped = threading.Event()
        self._place = ExitStack()
        self._work: asyncio.Task[Usage] | None = None
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())

    @property
    def model(self) -> str:
        return self._installed.name

    async def start(self) -> None:
        """Returns with the first piece at hand, so that failures still have a status. Raises Problem."""
        lane = self._hub.lane(self._installed.name, workers=self._hub.options.parallel_chats)
        self._place.enter_context(lane.admit())
        self._work = asyncio.create_task(self._run(lane))
        self._first = await self._pieces.get()
        if self._first is None:
            await self._work

    async def pieces(self) -> AsyncIterator[str]:
        piece = self._first
        while piece is not None:
            yield piece
            piece = await self._pieces.get()

    async def usage(self) -> Usage:
        """After the last piece. Raises Problem."""
        assert self._work is not None
        return await self._work

    def close(self) -> None:
        self._stopped.set()
        if self._work is not None:
            self._work.cancel()
        self._place.close()

    async def _run(self, lane: Lane) -> Usage:
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            loop.call_soon_threadsafe(self._pieces.put_nowait, text)

        def job() -> Usage:
            engine: ChatEngine = self._hub.load(self._installed).engine
            return self._answer(engine, say)

        try:
            return await lane.run(job, timeout_s=self._hub.options.timeout_s)
        except EngineFailed as err:
            raise Problem(HTTPStatus.BAD_GATEWAY, "engine_failed", f"{self.model} could not answer: {err}") from err
        finally:
            self._stopped.set()
            loop.call_soon_threadsafe(self._pieces.put_nowait, None)

    def _answer(self, engine: ChatEngine, say: Callable[[str], None]) -> Usage:
        if self._asked.schema is None:
            return engine.chat(self._asked, say, self._stopped)
        text, usage = constrained.answer(engine, self._asked, self._stopped)
        say(text)
        return usage


async def whole(chat: Chat, request: Request) -> tuple[str, Usage]:
    """The complete answer; stops the model as soon as the caller leaves."""
    try:
        return await unless_gone(request, _gather(chat))
    finally:
        chat.close()


async def begun(chat: Chat, request: Request) -> None:
    """Until the first piece is there; a caller who leaves while still in the queue gives the place up. Raises Problem."""
    try:
        await unless_gone(request, chat.start())
    except BaseException:
        chat.close()
        raise


async def _gather(chat: Chat) -> tuple[str, Usage]:
    await chat.start()
    text = "".join([piece async for piece in chat.pieces()])
    return text, await chat.usage()


def to_request(body: ChatBody, context_tokens: int) -> ChatRequest:
    """Raises Problem bad_schema."""
    schema = body.response_format.wanted
    if schema is not None:
        constrained.check_schema(schema)
    wanted = body.max_completion_tokens or body.max_tokens or DEFAULT_MAX_TOKENS
    stops = [body.stop] if isinstance(body.stop, str) else body.stop or []
    messages = [{"role": "system" if one.role == "developer" else one.role, "content": one.text} for one in body.messages]
    return ChatRequest(messages, min(wanted, context_tokens), body.temperature, body.top_p, body.seed, stops, schema)
