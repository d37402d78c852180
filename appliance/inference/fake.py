"""Models for tests: the same answers every time, no files, no process. Obeys the same contract tests as the real client."""

import hashlib
import io
import re
import time
import wave
from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np

from appliance.core import guard
from appliance.core.i18n import lazy_gettext as _
from appliance.inference import structured
from appliance.inference.errors import IndexMismatch, IndexMissing, ModelRefused, NoChatEngine, NoModel
from appliance.inference.types import (
    LONGEST_CHAT_S,
    Allow,
    ChatHost,
    ChatMessage,
    ChatResult,
    Halves,
    IndexHits,
    IndexStats,
    JsonSchema,
    ModelInfo,
    Purpose,
    Ranked,
    Readiness,
    Spoken,
    Tokens,
    Transcript,
    Vectors,
    VectorStore,
)

DIM = 384
MODEL = "fake-embedder"
_WORD = re.compile(r"\w+|[^\w\s]")
Reply = Callable[[Sequence[ChatMessage]], str]
Hears = Callable[[bytes], str]


class FakeInference:
    """Embeds by hashing word beginnings, so texts that share words are near. `reply` writes the chat answers, if any.

    `hears` says what is spoken in a WAV; without it no transcription model is installed.
    """

    def __init__(self, reply: Reply | None = None, *, reranks: bool = False, hears: Hears | None = None) -> None:
        self._hears = hears
        self._reply = reply
        self._reranks = reranks
        self._spaces: dict[str, dict[int, Vectors]] = {}
        self._versions: dict[str, int] = {}

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        guard.check_no_open_unit("inference")
        del purpose, model
        return np.stack([_vector(text) for text in texts]) if texts else np.empty((0, 0), np.float32)

    def count_tokens(self, texts: Sequence[str], *, offsets: bool = False) -> list[Tokens]:
        guard.check_no_open_unit("inference")
        spans = [tuple(found.span() for found in _WORD.finditer(text)) for text in texts]
        return [Tokens(len(one), one if offsets else ()) for one in spans]

    def chat(
        self, messages: Sequence[ChatMessage], *, model: str = "", temperature: float = 0.3, max_tokens: int = 512,
        schema: JsonSchema | None = None,
    ) -> ChatResult:
        guard.check_no_open_unit("inference")
        del temperature

        def once() -> ChatResult:
            words = self._say(messages).split(" ")[:max_tokens]
            return ChatResult(" ".join(words), model or "fake-chat", sum(len(one.content.split()) for one in messages), len(words))

        return once() if schema is None else structured.insist(once, schema)

    def chat_stream(
        self, messages: Sequence[ChatMessage], *, model: str = "", temperature: float = 0.3, max_tokens: int = 512,
        within_s: float = LONGEST_CHAT_S,
    ) -> Generator[str | ChatResult]:
        del within_s
        whole = self.chat(messages, model=model, temperature=temperature, max_tokens=max_tokens)
        yield from re.findall(r"\S+\s*", whole.text)
        yield whole

    def rerank(self, query: str, documents: Sequence[str], *, model: str = "") -> list[Ranked]:
        guard.check_no_open_unit("inference")
        del model
        if not self._reranks:
            raise NoModel(_("No reranking model is installed."))
        scores = self.embed(documents) @ _vector(query)
        return [Ranked(int(at), float(max(0.0, scores[at]))) for at in np.argsort(-scores, kind="stable")]

    def transcribe(self, sound: bytes, *, language: str = "", prompt: str = "", model: str = "") -> Transcript:
        guard.check_no_open_unit("inference")
        del prompt
        if self._hears is None:
            raise NoModel(_("No transcription model is installed."))
        seconds, text, spoken_in = _seconds(sound), self._hears(sound), language or "pt"
        segments = (Spoken(text, spoken_in, 0.0, seconds, 0.9),) if text else ()
        return Transcript(text, spoken_in, seconds, segments, model or "fake-whisper")

    def index_add(
        self, namespace: str, ids: Sequence[int], *, texts: Sequence[str] | None = None, vectors: Vectors | Halves | None = None,
        create: bool = False,
    ) -> IndexStats:
        guard.check_no_open_unit("inference")
        if create:
            self._spaces.setdefault(namespace, {})
        return self.index_replace(namespace, remove=(), ids=ids, texts=texts, vectors=vectors)

    def index_remove(self, namespace: str, ids: Sequence[int]) -> IndexStats:
        return self.index_replace(namespace, remove=ids, ids=(), texts=())

    def index_replace(
        self, namespace: str, *, remove: Sequence[int], ids: Sequence[int], texts: Sequence[str] | None = None,
        vectors: Vectors | Halves | None = None,
    ) -> IndexStats:
        guard.check_no_open_unit("inference")
        space = self._space(namespace)
        rows = _unit(vectors) if vectors is not None and len(ids) else self.embed(texts or ())
        if len(ids) and rows.shape[1] != DIM:
            raise IndexMismatch
        for gone in remove:
            space.pop(int(gone), None)
        space.update({int(one): row for one, row in zip(ids, rows, strict=True)})
        return self._changed(namespace)

    def index_rebuild(self, namespace: str, batches: Iterator[tuple[Sequence[int], Vectors | Halves]]) -> IndexStats:
        guard.check_no_open_unit("inference")
        fresh = {int(one): row for ids, vectors in batches for one, row in zip(ids, _unit(vectors), strict=True)}
        self._spaces[namespace] = fresh
        return self._changed(namespace)

    def index_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> IndexHits:
        guard.check_no_open_unit("inference")
        space = self._space(namespace)
        query = _vector(text) if text is not None else _unit(np.asarray(vector)[None, :])[0]
        scored = [(one, float(row @ query)) for one, row in space.items() if _permits(allow, one)]
        best = sorted(scored, key=lambda hit: (-hit[1], hit[0]))[:k]
        ids, scores = np.array([one for one, _ in best], np.int64), np.array([score for _, score in best], np.float32)
        return IndexHits(ids, scores, self._versions[namespace])

    def begin_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> Callable[[], IndexHits]:
        guard.check_no_open_unit("inference")
        return lambda: self.index_search(namespace, text=text, vector=vector, k=k, allow=allow)

    def index_drop(self, namespace: str) -> None:
        guard.check_no_open_unit("inference")
        self._spaces.pop(namespace, None)

    def index_namespaces(self) -> list[str]:
        return []

    def index_stats(self, namespace: str) -> IndexStats:
        guard.check_no_open_unit("inference")
        space = self._spaces.get(namespace)
        if space is None:
            return IndexStats(namespace, "missing")
        return IndexStats(namespace, "ready", self._versions[namespace], len(space), MODEL, DIM)

    def index_store(self) -> VectorStore | None:
        return None

    def models(self) -> list[ModelInfo]:
        guard.check_no_open_unit("inference")
        return [ModelInfo(MODEL, "embedding", "fake", dim=DIM, loaded=True)]

    def chat_hosts(self) -> list[ChatHost]:
        guard.check_no_open_unit("inference")
        return []

    def figures(self) -> bytes:
        return b""

    def ready(self) -> Readiness:
        engine = "none" if self._reply is None else "fake"
        return Readiness(ready=True, embedding_model=MODEL, chat_engine=engine, can_hear=self._hears is not None)

    def _say(self, messages: Sequence[ChatMessage]) -> str:
        if self._reply is None:
            raise NoChatEngine(_("No language model is set up on this box; answers are quoted from the documents."))
        return self._reply(messages)

    def _space(self, namespace: str) -> dict[int, Vectors]:
        if namespace not in self._spaces:
            raise IndexMissing
        return self._spaces[namespace]

    def _changed(self, namespace: str) -> IndexStats:
        self._versions[namespace] = max(self._versions.get(namespace, 0) + 1, time.time_ns() // 1_000_000)
        return self.index_stats(namespace)


def _seconds(sound: bytes) -> float:
    """Raises ModelRefused."""
    try:
        with wave.open(io.BytesIO(sound)) as file:
            if file.getparams()[:3] == (1, 2, 16_000):
                return float(file.getnframes() / 16_000)
    except (wave.Error, EOFError):
        pass
    raise ModelRefused(_("The model server refused: %(reason)s", reason="Send a WAV of 16 kHz, one channel, 16 bit."))


def _permits(allow: Allow | None, one: int) -> bool:
    return allow is None or one in allow.ids or any(low <= one <= high for low, high in allow.ranges)


def _vector(text: str) -> Vectors:
    found = np.zeros(DIM, np.float32)
    for word in _WORD.findall(text.casefold()):
        digest = hashlib.blake2b(word[:6].encode("utf-8", "replace"), digest_size=8).digest()
        found[int.from_bytes(digest[:4], "big") % DIM] += 1.0 if digest[4] & 1 else -1.0
    first: Vectors = _unit(found[None, :])[0]
    return first


def _unit(rows: Vectors | Halves) -> Vectors:
    wide = np.asarray(rows, dtype=np.float32)
    scaled: Vectors = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return scaled
