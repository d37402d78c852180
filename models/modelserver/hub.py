"""The models that are in memory, each behind its own lane; loads on first use, unloads what nobody uses."""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from modelserver import embedding, problems, reranking
from modelserver.embedding import Embedder, Purpose, Tokens, Vectors
from modelserver.lanes import Lane
from modelserver.llm.engine import ChatEngine
from modelserver.metering import rss_bytes
from modelserver.options import Options
from modelserver.shelf import Installed, Shelf, Task
from modelserver.speech import sound, whisper

T = TypeVar("T")
URGENT_TEXTS = 4
INDEX_WORKERS = 2
STOPS_WITHIN_S = 1.5
MOST_SOUNDS = 4  # each may take a hundred megabytes and minutes


@dataclass(frozen=True)
class Loaded:
    installed: Installed
    engine: Any
    memory_bytes: int
    seconds: float
    since: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Embedded:
    rows: Vectors
    model: str
    tokens: int


@dataclass(frozen=True)
class Transcribed:
    found: whisper.Heard
    model: str
    seconds: float


class Hub:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.shelf = Shelf(options.models, options.starter)
        self.loaded: dict[str, Loaded] = {}
        self.lanes: dict[str, Lane] = {}
        self.index_lane = Lane("index", workers=INDEX_WORKERS, limit=4 * options.max_waiting)
        self._loading = threading.Lock()
        self.ending = asyncio.Event()

    def lane(self, name: str, workers: int = 1, most: int = sys.maxsize) -> Lane:
        found = self.lanes.get(name)
        if found is None:
            found = self.lanes[name] = Lane(name, workers=workers, limit=min(most, self.options.max_waiting))
        return found

    def _embedding_lane(self, installed: Installed) -> Lane:
        """A batch a thread, which costs less than threads that share one."""
        return self.lane(installed.name, workers=self.options.threads)

    def find(self, name: str | None, task: Task) -> Installed:
        """Raises Problem when it is not installed."""
        if name is None and task == "embedding":
            name = self.options.embedding_model
        known = self.loaded.get(name or "")
        return known.installed if known is not None and known.installed.task == task else self.shelf.find(name, task)

    async def embed_one(self, text: str, model: str | None, purpose: Purpose, then: Callable[[Embedded], T]) -> T:
        """`then` goes on with it on the same thread: nobody waits in a second lane."""
        installed = self.find(model, "embedding")
        lane = self._embedding_lane(installed)
        with lane.admit():
            engine: Embedder = await self._engine(installed, lane)
            return await lane.run(lambda: then(_embed_one(engine, text, purpose)), timeout_s=self.options.timeout_s)

    async def embed(self, texts: list[str], model: str | None, purpose: Purpose, gone: Callable[[], Awaitable[bool]]) -> Embedded:
        """Long requests go batch by batch, so that a short one waits for one batch at most."""
        if len(texts) == 1:
            return await self.embed_one(texts[0], model, purpose, lambda found: found)
        installed = self.find(model, "embedding")
        lane, urgent, ends = self._embedding_lane(installed), len(texts) <= URGENT_TEXTS, time.monotonic() + self.options.timeout_s
        with lane.admit():
            engine: Embedder = await self._engine(installed, lane)
            batches = await lane.run(lambda: engine.prepare(texts, purpose), urgent=urgent, timeout_s=ends - time.monotonic())
            rows = np.zeros((len(texts), engine.dim), dtype=np.float32)
            for start in range(0, len(batches), lane.workers):
                if len(batches) > 1 and await gone():
                    raise problems.gone()
                at_once, left = batches[start:start + lane.workers], max(0.001, ends - time.monotonic())
                done = await asyncio.gather(*(lane.run(_bound(engine.embed, batch), urgent=urgent, timeout_s=left) for batch in at_once))
                for batch, found in zip(at_once, done, strict=True):
                    rows[batch.positions] = found
        return Embedded(rows, installed.name, sum(len(ids) for batch in batches for ids in batch.ids))

    async def tokenise(self, texts: list[str], model: str | None) -> tuple[list[Tokens], Embedder]:
        installed = self.find(model, "embedding")
        lane = self._embedding_lane(installed)
        with lane.admit():
            engine: Embedder = await self._engine(installed, lane)
            return await lane.run(lambda: engine.tokenise(texts), timeout_s=self.options.timeout_s), engine

    async def dim(self, model: str) -> int:
        """Numbers in a vector of `model`; loads it when its description does not say."""
        installed = self.find(model, "embedding")
        if "dim" in installed.config:
            return int(installed.config["dim"])
        lane = self._embedding_lane(installed)
        with lane.admit():
            engine: Embedder = await self._engine(installed, lane)
            return engine.dim

    async def rerank(self, query: str, documents: list[str], model: str | None) -> tuple[list[float], str]:
        installed = self.find(model, "rerank")
        lane = self.lane(installed.name)
        with lane.admit():
            engine: reranking.Reranker = await self._engine(installed, lane)
            return await lane.run(lambda: engine.scores(query, documents), timeout_s=self.options.timeout_s), installed.name

    async def transcribe(self, content: bytes, model: str | None, asked: whisper.Asked) -> Transcribed:
        """For as long as the caller stays: who leaves stops it."""
        installed = self.find(model, "transcription")
        lane, seconds, stopped = self.lane(installed.name, most=MOST_SOUNDS), sound.check(content), threading.Event()
        with lane.admit():
            engine: whisper.Whisper = await self._engine(installed, lane)
            try:
                found = await lane.run(lambda: engine.transcribe(sound.samples(content), asked, stopped), timeout_s=None)
            finally:
                stopped.set()
        return Transcribed(found, installed.name, seconds)

    async def search_lane(self, job: Callable[[], T]) -> T:
        with self.index_lane.admit():
            return await self.index_lane.run(job, timeout_s=self.options.timeout_s)

    async def _engine(self, installed: Installed, lane: Lane) -> Any:
        known = self.loaded.get(installed.name)
        if known is None:
            known = await lane.run(lambda: self.load(installed), timeout_s=self.options.timeout_s)
        return known.engine

    def load(self, installed: Installed) -> Loaded:
        """Runs on a worker thread: one load at a time."""
        with self._loading:
            known = self.loaded.get(installed.name)
            if known is None:
                before, started = rss_bytes(), time.monotonic()
                engine = self._open(installed)
                known = Loaded(installed, engine, max(0, rss_bytes() - before), time.monotonic() - started)
                self.loaded[installed.name] = known
        return known

    def _open(self, installed: Installed) -> Any:
        if installed.task == "embedding":
            return embedding.load(installed)
        if installed.task == "rerank":
            return reranking.OnnxReranker(installed, threads=self.options.threads)
        if installed.task == "transcription":
            return whisper.Whisper(installed, self.options.starter, threads=self.options.threads)
        return open_chat(installed, self.options)

    async def unload_idle(self) -> list[str]:
        """Let go of models nobody used for `idle_unload_s`; their next request loads them again."""
        let_go = self._take_idle()
        await asyncio.to_thread(_close_all, let_go)
        return [one.installed.name for one in let_go]

    def _take_idle(self) -> list[Loaded]:
        """On the event loop, where requests enter the lanes: nobody can come in between the look and the taking."""
        oldest = time.monotonic() - self.options.idle_unload_s
        idle = [name for name in list(self.loaded) if (lane := self.lanes.get(name)) and lane.idle and lane.last_used < oldest]
        return [self.loaded.pop(name) for name in idle]

    @property
    def working(self) -> bool:
        return any(lane.working for lane in self.lanes.values())

    def close(self) -> None:
        """What is told to stop may do so; a model that somebody is still at work with is left as it is."""
        ends = time.monotonic() + STOPS_WITHIN_S
        while self.working and time.monotonic() < ends:
            time.sleep(0.01)
        at_rest = [name for name in list(self.loaded) if name not in self.lanes or not self.lanes[name].working]
        _close_all([self.loaded.pop(name) for name in at_rest])


def _close_all(let_go: list[Loaded]) -> None:
    for one in let_go:
        close = getattr(one.engine, "close", None)
        if close is not None:
            close()
    if let_go:
        gc.collect()


def open_chat(installed: Installed, options: Options) -> ChatEngine:
    if options.chat_engine == "llama-cpp-python":
        from modelserver.llm.llamacpp import LlamaCppEngine  # one engine is loaded, not both

        return LlamaCppEngine(installed, options)
    from modelserver.llm.xllama import XllamaEngine

    return XllamaEngine(installed, options)


def _embed_one(engine: Embedder, text: str, purpose: Purpose) -> Embedded:
    batch, = engine.prepare([text], purpose)
    return Embedded(engine.embed(batch), engine.name, sum(map(len, batch.ids)))


def _bound(work: Callable[[embedding.Batch], Vectors], batch: embedding.Batch) -> Callable[[], Vectors]:
    return lambda: work(batch)
