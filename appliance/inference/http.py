"""The port over HTTP: embeddings and indexes at the model server, text from the engine in the settings."""

import base64
import secrets
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.core import guard, metrics
from appliance.core.breaker import OPEN_FOR_S, Breakers
from appliance.core.config import ModelSettings, NetworkSettings, Settings
from appliance.core.errors import DomainError, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import Client, vouched
from appliance.core.sound import BYTES_PER_S, PACE
from appliance.inference import engines, wire
from appliance.inference.hosts import Spread
from appliance.inference.places import Limited
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

TEXTS_PER_CALL = 64
SEARCH_TIMEOUT_S = 10.0  # a search has words to fall back on; better those than a long wait
SEARCH_RESTS_S = 5.0  # once one took too long: one more tries after it, the others go by words
SEARCH = "search"
TOKENIZED_PER_CALL = 512
SLOW_FAILURE_S = 5.0
FIGURES_TIMEOUT_S = 2.0
READY_TIMEOUT_S = 5.0


def connect(settings: Settings, *, share_of: wire.ShareOf | None = None) -> "HttpInference":
    models = settings.models
    address, token = models.url or settings.modelserver_socket, _secret(models.token_file)
    server = wire.ModelServer(address, timeout_s=models.timeout_s, token=token, share_of=share_of)
    engine = chat_engine(models, settings.network, server)
    asks_nobody = isinstance(engine, engines.NoEngine)
    return HttpInference(models, server, engine if asks_nobody else Limited(engine, settings.server.slow_places))


def chat_engine(models: ModelSettings, network: NetworkSettings, server: wire.ModelServer) -> engines.ChatEngine:
    if models.chat_engine == "modelserver":
        return engines.ModelServerChat(server)
    if models.chat_engine == "none" or not models.chat_url:
        return engines.NoEngine()
    if len(models.chat_url) == 1:
        return _remote(models, network, models.chat_url[0], Breakers())
    never_open = Breakers(failures_to_open=sys.maxsize)  # `Spread` says who rests: a second one would refuse what it tries
    return Spread([_remote(models, network, address, never_open) for address in models.chat_url], chat_s=models.timeout_s)


def _remote(models: ModelSettings, network: NetworkSettings, address: str, breakers: Breakers) -> engines.RemoteChat:
    def client(**limits: float) -> Client:
        outbound = vouched(network, address)  # each time: a name may be found later, or come to point elsewhere
        outbound.breakers = breakers
        return outbound.client("chat", **{"timeout_s": models.timeout_s, **limits})

    remote = engines.OllamaChat if models.chat_engine == "ollama" else engines.OpenAiChat
    return remote(address, client, api_key=_secret(models.chat_api_key_file), chat_model=models.chat_model)


def _secret(file: Path | None) -> str:
    return file.read_text(encoding="utf-8").strip() if file else ""


class HttpInference:
    def __init__(self, models: ModelSettings, server: wire.ModelServer, engine: engines.ChatEngine) -> None:
        self._models = models
        self._server = server
        self._engine = engine
        self._breakers = Breakers()
        self._searches = Breakers(failures_to_open=1, open_for_s=SEARCH_RESTS_S)

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        parts: list[Vectors] = []
        for start in range(0, len(texts), TEXTS_PER_CALL):
            body = {
                "input": list(texts[start : start + TEXTS_PER_CALL]), "model": model or self._models.embedding_model,
                "encoding_format": "base64", "input_type": purpose,
            }
            parts += [_row(one) for one in _list(self._call("POST", "/v1/embeddings", body), "data")]
        return np.stack(parts) if parts else np.empty((0, 0), np.float32)

    def count_tokens(self, texts: Sequence[str], *, offsets: bool = False) -> list[Tokens]:
        found: list[Tokens] = []
        for start in range(0, len(texts), TOKENIZED_PER_CALL):
            body = {"texts": list(texts[start : start + TOKENIZED_PER_CALL]), "model": self._models.embedding_model, "offsets": offsets}
            told = self._call("POST", "/v1/tokenize", body)
            counts = _list(told, "counts")
            spans = _list(told, "offsets") if offsets else [()] * len(counts)
            found += [Tokens(int(count), tuple((a, b) for a, b in span)) for count, span in zip(counts, spans, strict=True)]
        return found

    def chat(
        self, messages: Sequence[ChatMessage], *, model: str = "", temperature: float = 0.3, max_tokens: int = 512,
        schema: JsonSchema | None = None,
    ) -> ChatResult:
        guard.check_no_open_unit("inference")
        return _counted(self._engine.chat(engines.Asked(messages, model or self._models.chat_model, temperature, max_tokens, schema)))

    def chat_stream(
        self, messages: Sequence[ChatMessage], *, model: str = "", temperature: float = 0.3, max_tokens: int = 512,
        within_s: float = LONGEST_CHAT_S,
    ) -> Generator[str | ChatResult]:
        guard.check_no_open_unit("inference")
        asked = engines.Asked(messages, model or self._models.chat_model, temperature, max_tokens, within_s=within_s)
        return self._spared(self._engine.stream(asked))

    def _spared(self, pieces: Generator[str | ChatResult]) -> Generator[str | ChatResult]:
        """Once an engine has failed slowly several times, nobody waits for it for a while."""
        if self._breakers.is_open(self._engine.name):
            raise Unavailable(_("The language model has failed repeatedly; the box waits before asking it again."), retry_after=OPEN_FOR_S)
        started = time.monotonic()
        try:
            with closing(pieces):
                for piece in pieces:
                    yield _counted(piece) if isinstance(piece, ChatResult) else piece
        except Unavailable:
            if time.monotonic() - started > SLOW_FAILURE_S:
                self._breakers.failed(self._engine.name)
            raise
        self._breakers.succeeded(self._engine.name)

    def rerank(self, query: str, documents: Sequence[str], *, model: str = "") -> list[Ranked]:
        body = {"query": query, "documents": list(documents), "model": model or None}
        told = _list(self._call("POST", "/v1/rerank", body), "results")
        return [Ranked(int(one["index"]), float(one["relevance_score"])) for one in told]

    def transcribe(self, sound: bytes, *, language: str = "", prompt: str = "", model: str = "") -> Transcript:
        guard.check_no_open_unit("inference")
        fields = {"model": model or self._models.transcription_model, "language": language, "prompt": prompt}
        given = {name: value for name, value in fields.items() if value} | {"response_format": "verbose_json"}
        patience = self._models.timeout_s + PACE * len(sound) / BYTES_PER_S
        return _transcript(self._server.upload("/v1/audio/transcriptions", sound, given, timeout_s=patience))

    def index_add(
        self, namespace: str, ids: Sequence[int], *, texts: Sequence[str] | None = None, vectors: Vectors | Halves | None = None,
        create: bool = False,
    ) -> IndexStats:
        return self._changed(namespace, "add", {**self._rows(ids, texts, vectors), "create": create})

    def index_remove(self, namespace: str, ids: Sequence[int]) -> IndexStats:
        return self._changed(namespace, "remove", {"ids": list(ids)})

    def index_replace(
        self, namespace: str, *, remove: Sequence[int], ids: Sequence[int], texts: Sequence[str] | None = None,
        vectors: Vectors | Halves | None = None,
    ) -> IndexStats:
        return self._changed(namespace, "replace", {**self._rows(ids, texts, vectors), "remove": list(remove)})

    def index_rebuild(self, namespace: str, batches: Iterator[tuple[Sequence[int], Vectors | Halves]]) -> IndexStats:
        build, some = secrets.token_hex(8), False
        for ids, vectors in batches:
            if len(ids):
                self._changed(namespace, "add", {**self._rows(ids, None, vectors), "build": build})
                some = True
        if not some:
            self.index_drop(namespace)
            return self._changed(namespace, "add", {**self._rows((), None, None), "create": True})
        return self._changed(namespace, "replace", {"build": build})

    def index_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> IndexHits:
        return self.begin_search(namespace, text=text, vector=vector, k=k, allow=allow)()

    def begin_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> Callable[[], IndexHits]:
        guard.check_no_open_unit("inference")
        body: dict[str, object] = {"k": k, "packed": True}
        if text is not None:
            body["text"] = text
        if vector is not None:
            body["vector"] = _halves(vector)
        if allow is not None:
            body["allow"] = {"ids": list(allow.ids), "ranges": [list(pair) for pair in allow.ranges]}
        patience = min(SEARCH_TIMEOUT_S, self._models.timeout_s)
        if self._searches.is_open(SEARCH):
            return _skipped
        answer = self._server.begin(f"/v1/index/{namespace}/search", body, timeout_s=patience)
        started = time.monotonic()

        def hits() -> IndexHits:
            guard.check_no_open_unit("inference")
            try:
                told = answer()
            except Unavailable:
                if time.monotonic() - started > SLOW_FAILURE_S:
                    self._searches.failed(SEARCH)
                raise
            self._searches.succeeded(SEARCH)
            ids, scores = _numbers(told, "ids", "<i8"), _numbers(told, "scores", "<f4")
            return IndexHits(ids.astype(np.int64), scores.astype(np.float32), _int(told, "version"))

        return hits

    def index_drop(self, namespace: str) -> None:
        self._call("DELETE", f"/v1/index/{namespace}")

    def index_namespaces(self) -> list[str]:
        return []

    def index_stats(self, namespace: str) -> IndexStats:
        return _stats(namespace, self._call("GET", f"/v1/index/{namespace}"))

    def index_store(self) -> VectorStore | None:
        return None

    def models(self) -> list[ModelInfo]:
        told = _list(self._call("GET", "/v1/models"), "data")
        ours = [
            ModelInfo(str(one["id"]), one["task"], str(one["engine"]), int(one["size_bytes"]), int(one["dim"] or 0), bool(one["loaded"]))
            for one in told
        ]
        return ours + self._engine.models()

    def chat_hosts(self) -> list[ChatHost]:
        guard.check_no_open_unit("inference")
        return self._engine.hosts()

    def figures(self) -> bytes:
        try:
            return self._server.text("/metrics", timeout_s=FIGURES_TIMEOUT_S)
        except DomainError:
            return b""

    def ready(self) -> Readiness:
        model = self._models.embedding_model
        try:
            told = self._call("GET", "/health/ready", timeout_s=READY_TIMEOUT_S)
        except DomainError as err:
            return Readiness(ready=False, embedding_model=model, chat_engine=self._engine.name, reason=str(err))
        hears = _names(told, "transcription_models", self._models.transcription_model)
        if self._models.chat_engine == "modelserver" and not _names(told, "chat_models", self._models.chat_model):
            reason = _("The chat model is not installed here; `salesedge models list --task chat` shows some.")
            return Readiness(ready=True, embedding_model=model, chat_engine="none", reason=str(reason), can_hear=hears)
        return Readiness(ready=True, embedding_model=model, chat_engine=self._engine.name, can_hear=hears)

    def close(self) -> None:
        self._server.close()

    def _rows(self, ids: Sequence[int], texts: Sequence[str] | None, vectors: Vectors | Halves | None) -> dict[str, object]:
        body: dict[str, object] = {"ids": [int(one) for one in ids], "model": self._models.embedding_model}
        if texts is not None:
            body["texts"] = list(texts)
        if vectors is not None and len(ids):
            body["vectors"] = _halves(vectors)
        return body

    def _changed(self, namespace: str, verb: str, body: Mapping[str, object]) -> IndexStats:
        return _stats(namespace, self._call("POST", f"/v1/index/{namespace}/{verb}", body))

    def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, timeout_s: float | None = None,
    ) -> dict[str, object]:
        guard.check_no_open_unit("inference")
        return self._server.call(method, path, body, timeout_s=timeout_s)


def _skipped() -> IndexHits:
    raise Unavailable(_("The models took too long to answer."), retry_after=SEARCH_RESTS_S)


def _counted(answer: ChatResult) -> ChatResult:
    metrics.TOKENS.labels(answer.model, "in").inc(answer.prompt_tokens)
    metrics.TOKENS.labels(answer.model, "out").inc(answer.completion_tokens)
    return answer


def _transcript(told: Mapping[str, object]) -> Transcript:
    language = str(told["language"])

    def spoken(one: Mapping[str, float | str]) -> Spoken:
        return Spoken(str(one["text"]), language, float(one["start"]), float(one["end"]), float(one["confidence"]))

    segments = tuple(map(spoken, _list(told, "segments")))
    return Transcript(str(told["text"]), language, float(str(told["duration"])), segments, str(told["model"]))


def _names(told: Mapping[str, object], task: str, wanted: str) -> bool:
    """The one model that is wanted, or any."""
    listed = _list(told, task)
    return wanted in listed if wanted else bool(listed)


def _row(told: Mapping[str, str]) -> Vectors:
    return np.frombuffer(base64.b64decode(told["embedding"]), "<f4").astype(np.float32)


def _numbers(told: Mapping[str, object], key: str, kind: str) -> npt.NDArray[Any]:
    return np.frombuffer(base64.b64decode(str(told[key])), kind)


def _halves(vectors: Vectors | Halves) -> str:
    return base64.b64encode(np.ascontiguousarray(vectors, dtype="<f2").tobytes()).decode("ascii")


def _stats(namespace: str, told: Mapping[str, object]) -> IndexStats:
    missing = told.get("state") == "missing"
    version, count, dim = (_int(told, key) for key in ("version", "count", "dim"))
    return IndexStats(namespace, "missing" if missing else "ready", version, count, str(told.get("model") or ""), dim)


def _int(told: Mapping[str, object], key: str) -> int:
    value = told.get(key)
    return value if isinstance(value, int) else 0


def _list(told: Mapping[str, object], key: str) -> list[Any]:
    value = told[key]
    assert isinstance(value, list)
    return value
