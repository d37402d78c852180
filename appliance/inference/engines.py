"""Who writes text: the model server's GGUF models, Ollama, any OpenAI-compatible server, or nobody."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

import httpx

from appliance.core.errors import DomainError, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.inference import structured, wire
from appliance.inference.errors import KeyRefused, ModelRefused, NoChatEngine, NoModel
from appliance.inference.types import LONGEST_CHAT_S, ChatHost, ChatMessage, ChatResult, JsonSchema, ModelInfo

REMOTE_CONNECT_S = 5.0
LIST_S = 5.0
_DATA = "data:"
_DONE = "[DONE]"
_CUT = "length"
_COMMENT = ":"  # https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream


@dataclass(frozen=True)
class Asked:
    """A stream has `within_s` in all, and falls silent for `silent_s` at most."""

    messages: Sequence[ChatMessage]
    model: str
    temperature: float
    max_tokens: int
    schema: JsonSchema | None = None
    within_s: float = LONGEST_CHAT_S
    silent_s: float = LONGEST_CHAT_S


class ChatEngine(Protocol):
    name: str

    def chat(self, asked: Asked) -> ChatResult: ...

    def stream(self, asked: Asked) -> Generator[str | ChatResult]: ...

    def models(self) -> list[ModelInfo]: ...

    def hosts(self) -> list[ChatHost]: ...


class NoEngine:
    name = "none"

    def chat(self, asked: Asked) -> ChatResult:
        del asked
        raise NoChatEngine(_("No language model is set up on this box; answers are quoted from the documents."))

    def stream(self, asked: Asked) -> Generator[str | ChatResult]:
        yield self.chat(asked)

    def models(self) -> list[ModelInfo]:
        return []

    def hosts(self) -> list[ChatHost]:
        return []


class ModelServerChat:
    name = "modelserver"

    def __init__(self, server: wire.ModelServer) -> None:
        self._server = server

    def chat(self, asked: Asked) -> ChatResult:
        return result_of(self._server.call("POST", "/v1/chat/completions", openai_body(asked)), asked.model)

    def stream(self, asked: Asked) -> Generator[str | ChatResult]:
        body = {**openai_body(asked), "stream": True, "stream_options": {"include_usage": True}}
        with self._server.stream("/v1/chat/completions", body, within_s=asked.within_s) as lines:
            yield from openai_pieces(lines, asked.model)

    def models(self) -> list[ModelInfo]:
        return []  # the model server lists its chat models with all others

    def hosts(self) -> list[ChatHost]:
        return []


class RemoteChat(ABC):
    """An engine behind HTTP that is not ours, reached through the outbound client."""

    name: str

    def __init__(self, base_url: str, client: Callable[..., httpx.Client], *, api_key: str = "", chat_model: str = "") -> None:
        """`chat_model`: the one that it ought to have; without, whoever lists any is well."""
        self._base = base_url.rstrip("/")
        self.host = self._base.rpartition("://")[2].rpartition("@")[2]
        self._client = client
        self._chat_model = chat_model
        self._headers = wire.JSON | ({"Authorization": f"Bearer {api_key}"} if api_key else {})

    @abstractmethod
    def chat(self, asked: Asked) -> ChatResult: ...

    @abstractmethod
    def stream(self, asked: Asked) -> Generator[str | ChatResult]: ...

    @abstractmethod
    def models(self) -> list[ModelInfo]: ...

    def hosts(self) -> list[ChatHost]:
        return [self.state(listed(self))]

    def state(self, told: list[ModelInfo] | DomainError) -> ChatHost:
        """By what `listed` said. Whoever has no list of models answers all the same."""
        if isinstance(told, DomainError):
            has_no_list = isinstance(told, NoModel | ModelRefused) and not isinstance(told, KeyRefused)
            return ChatHost(self.host, "" if has_no_list else str(told))
        if not self._chat_model or self._has_model({one.name for one in told}):
            return ChatHost(self.host)
        lacks = _("%(host)s does not list the model %(model)s.", host=self.host, model=self._chat_model)
        return ChatHost(self.host, str(lacks))

    def _has_model(self, listed: set[str]) -> bool:
        """Some list nothing and answer."""
        return not listed or self._chat_model in listed

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None, **limits: float) -> dict[str, object]:
        with wire.measured(method, path), wire.translated(), self._client(**limits) as client:
            response = client.request(method, self._base + path, content=wire.encoded(body), headers=self._headers)
            check(response)
            return _object(response.text)

    def _list(self, path: str) -> dict[str, object]:
        return self._call("GET", path, timeout_s=LIST_S, within_s=LIST_S)

    def _lines(self, path: str, body: Mapping[str, object], asked: Asked) -> Generator[str]:
        opened: AbstractContextManager[httpx.Response]
        ends, silent_s = time.monotonic() + asked.within_s, min(asked.silent_s, asked.within_s)
        timeout = httpx.Timeout(silent_s, connect=min(REMOTE_CONNECT_S, silent_s))
        with wire.measured("POST", path), wire.translated(), self._client(within_s=asked.within_s) as client:
            opened = client.stream("POST", self._base + path, content=wire.encoded(body), headers=self._headers, timeout=timeout)
            with opened as response:
                if response.is_error:
                    response.read()
                check(response)
                yield from _within_silence(wire.lines_of(response, ends), silent_s)


def _within_silence(lines: Iterator[str], silent_s: float) -> Generator[str]:
    """Sent to keep a line open, comments and empty lines say nothing. Raises Unavailable."""
    ends = time.monotonic() + silent_s
    for line in lines:
        if line.strip() and not line.startswith(_COMMENT):
            ends = time.monotonic() + silent_s
        elif time.monotonic() > ends:
            raise wire.too_slow()
        yield line


def listed(engine: ChatEngine) -> list[ModelInfo] | DomainError:
    try:
        return engine.models()
    except DomainError as err:
        return err


class OpenAiChat(RemoteChat):
    """vLLM, llama.cpp's server, LM Studio or a hosted service: whoever speaks /chat/completions."""

    name = "openai"

    def chat(self, asked: Asked) -> ChatResult:
        def once() -> ChatResult:
            return result_of(self._call("POST", "/chat/completions", openai_body(asked)), asked.model)

        return once() if asked.schema is None else structured.insist(once, asked.schema)

    def stream(self, asked: Asked) -> Generator[str | ChatResult]:
        with closing(self._lines("/chat/completions", {**openai_body(asked), "stream": True}, asked)) as lines:
            yield from openai_pieces(lines, asked.model)

    def models(self) -> list[ModelInfo]:
        told = self._list("/models").get("data")
        found = told if isinstance(told, list) else []
        return [ModelInfo(str(one["id"]), "chat", self.name) for one in found if _is_named(one, "id")]


class OllamaChat(RemoteChat):
    """Ollama's own API: https://github.com/ollama/ollama/blob/main/docs/api.md"""

    name = "ollama"

    def chat(self, asked: Asked) -> ChatResult:
        def once() -> ChatResult:
            told = self._call("POST", "/api/chat", {**_ollama_body(asked), "stream": False})
            return _ollama_result(told, _content(told.get("message")), asked.model)

        return once() if asked.schema is None else structured.insist(once, asked.schema)

    def stream(self, asked: Asked) -> Generator[str | ChatResult]:
        said: list[str] = []
        with closing(self._lines("/api/chat", {**_ollama_body(asked), "stream": True}, asked)) as lines:
            for line in lines:
                told = _object(line) if line.strip() else {}
                if "error" in told:
                    raise Unavailable(_("Ollama stopped: %(reason)s", reason=str(told["error"])))
                if piece := _content(told.get("message")):
                    said.append(piece)
                    yield piece
                if told.get("done"):
                    yield _ollama_result(told, "".join(said), asked.model)
                    return
        raise broken_off()

    def models(self) -> list[ModelInfo]:
        told = self._list("/api/tags").get("models")
        found = told if isinstance(told, list) else []
        return [ModelInfo(str(one["name"]), "chat", self.name, _whole(one.get("size"))) for one in found if _is_named(one, "name")]

    def _has_model(self, listed: set[str]) -> bool:
        """It always lists what it has; a name without a tag means the latest."""
        return _tagged(self._chat_model) in map(_tagged, listed)


def _tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def openai_body(asked: Asked) -> dict[str, object]:
    body: dict[str, object] = {
        "messages": _messages(asked), "temperature": asked.temperature, "max_tokens": asked.max_tokens,
    }
    if asked.model:
        body["model"] = asked.model
    if asked.schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(asked.schema)}}
    return body


def openai_pieces(lines: Iterator[str], model: str) -> Generator[str | ChatResult]:
    """Raises Unavailable when the stream ends before the model did."""
    said: list[str] = []
    last: dict[str, object] = {}
    for line in lines:
        event = line.removeprefix(_DATA).strip() if line.startswith(_DATA) else ""
        if event == _DONE and (said or "finish_reason" in last):
            break
        told = _object(event) if event else {}
        if "error" in told:
            raise broken_off()
        choice = _first_choice(told)
        last |= {key: told[key] for key in ("model", "usage") if told.get(key)}
        last |= {key: choice[key] for key in ("finish_reason",) if choice.get(key)}
        if piece := _content(choice.get("delta")):
            said.append(piece)
            yield piece
    else:
        if "finish_reason" not in last:
            raise broken_off()
    read, written = _used(last)
    yield ChatResult("".join(said), str(last.get("model") or model), read, written or len(said), last.get("finish_reason") != _CUT)


def broken_off() -> Unavailable:
    return Unavailable(_("The model stopped in the middle of its answer."))


def result_of(told: Mapping[str, object], model: str) -> ChatResult:
    choice = _first_choice(told)
    complete = choice.get("finish_reason") != _CUT
    return ChatResult(_content(choice.get("message")), str(told.get("model") or model), *_used(told), complete)


def _used(told: Mapping[str, object]) -> tuple[int, int]:
    used = told.get("usage")
    counts = used if isinstance(used, dict) else {}
    return _whole(counts.get("prompt_tokens")), _whole(counts.get("completion_tokens"))


def _ollama_result(told: Mapping[str, object], text: str, model: str) -> ChatResult:
    read, written = _whole(told.get("prompt_eval_count")), _whole(told.get("eval_count"))
    return ChatResult(text, str(told.get("model") or model), read, written, told.get("done_reason") != _CUT)


def check(response: httpx.Response) -> None:
    """Raises Unavailable, NoModel, ModelRefused."""
    if not response.is_error:
        return
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise KeyRefused(_("The language model server refuses the key of this box (models.chat_api_key_file)."))
    reason = response.text[:200]
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NoModel(_("The language model server does not know this model: %(reason)s", reason=reason))
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(_("The language model is busy or failing."), retry_after=wire.retry_after(response))
    raise ModelRefused(_("The language model server refused: %(reason)s", reason=reason))


def _messages(asked: Asked) -> list[dict[str, str]]:
    return [{"role": one.role, "content": one.content} for one in asked.messages]


def _ollama_body(asked: Asked) -> dict[str, object]:
    body: dict[str, object] = {
        "model": asked.model, "messages": _messages(asked),
        "options": {"temperature": asked.temperature, "num_predict": asked.max_tokens},
    }
    if asked.schema is not None:
        body["format"] = dict(asked.schema)
    return body


def _object(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as err:
        raise Unavailable(_("The language model server sent something that is not an answer.")) from err
    return found if isinstance(found, dict) else {}


def _first_choice(told: Mapping[str, object]) -> dict[str, object]:
    choices = told.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _content(message: object) -> str:
    return str(message.get("content") or "") if isinstance(message, dict) else ""


def _is_named(model: object, key: str) -> bool:
    return isinstance(model, dict) and bool(model.get(key))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
