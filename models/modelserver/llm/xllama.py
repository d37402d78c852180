"""llama.cpp through xllamacpp: prebuilt, with continuous batching."""

import json
import secrets
import threading
from collections.abc import Callable
from typing import Any

from modelserver import problems
from modelserver.llm.engine import ChatRequest, EngineFailed, Usage
from modelserver.options import Options
from modelserver.shelf import Installed


class XllamaEngine:
    def __init__(self, model: Installed, options: Options) -> None:
        try:
            import xllamacpp  # an extra, and heavy
        except ImportError as err:
            sentence = "Chat models need the package xllamacpp, which is not installed on this box."
            raise problems.absent("engine_missing", sentence) from err
        params = xllamacpp.CommonParams()
        params.model.path = str(gguf_file(model))
        params.n_ctx = options.context_tokens * options.parallel_chats
        params.n_parallel = options.parallel_chats
        params.n_gpu_layers = options.gpu_layers
        params.cpuparams.n_threads = options.threads
        params.cpuparams_batch.n_threads = options.threads
        params.warmup = False
        params.verbosity = 0
        # The library also opens an HTTP port; a key that nobody knows shuts it.
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.api_keys = [secrets.token_urlsafe(32)]
        params.ui = False
        self.parallel = options.parallel_chats
        self._library: Any = xllamacpp
        try:
            self._server: Any = xllamacpp.Server(params)
        except RuntimeError as err:
            raise problems.unreadable(model.name) from err

    def chat(self, request: ChatRequest, on_text: Callable[[str], None], stopped: threading.Event) -> Usage:
        seen = _Seen(on_text, stopped)
        try:
            self._server.handle_chat_completions(self._asked(request), seen.take)
        except (RuntimeError, ValueError) as err:
            raise EngineFailed(str(err)) from err
        return seen.usage()

    def _asked(self, request: ChatRequest) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "messages": request.messages, "max_tokens": request.max_tokens, "temperature": request.temperature,
            "top_p": request.top_p, "stream": True, "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            asked["seed"] = request.seed
        if request.stop:
            asked["stop"] = request.stop
        if request.schema is not None:
            asked["grammar"] = self._grammar(request.schema)
        return asked

    def _grammar(self, schema: dict[str, Any]) -> str:
        try:
            return str(self._library.json_schema_to_grammar(schema))
        except (RuntimeError, ValueError) as err:
            raise problems.refused("bad_schema", f"The JSON schema cannot be turned into a grammar: {err}") from err

    def close(self) -> None:
        self._server = None


class _Seen:
    """Gathers what the library hands to its callback; returning True from `take` ends the generation."""

    def __init__(self, on_text: Callable[[str], None], stopped: threading.Event) -> None:
        self._on_text = on_text
        self._stopped = stopped
        self._pieces = 0
        self._reason = "stop"
        self._used: dict[str, Any] = {}
        self._error: dict[str, Any] | None = None

    def take(self, chunk: dict[str, Any]) -> bool:
        if "error" in chunk or "code" in chunk:
            self._error = chunk.get("error", chunk)
            return True
        self._used = chunk.get("usage") or self._used
        for choice in chunk.get("choices", ()):
            self._reason = choice.get("finish_reason") or self._reason
            text = choice["delta"].get("content")
            if text:
                self._pieces += 1
                self._on_text(text)
        return self._stopped.is_set()

    def usage(self) -> Usage:
        """Raises EngineFailed, Problem."""
        if self._error is not None:
            if self._error.get("type") == "exceed_context_size_error":
                raise problems.too_long()
            raise EngineFailed(json.dumps(self._error))
        used = self._used
        return Usage(int(used.get("prompt_tokens", 0)), int(used.get("completion_tokens", self._pieces)), self._reason)


def gguf_file(model: Installed) -> Any:
    """Raises Problem when the folder holds no GGUF file."""
    if model.path.is_file():
        return model.path
    found = sorted(model.path.glob("*.gguf"))
    if not found:
        raise problems.refused("model_unreadable", f"{model.name} holds no .gguf file; pull it again.")
    return found[0]
