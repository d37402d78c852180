"""llama.cpp through llama-cpp-python: for boxes that compile for their own processor or GPU. One chat at a time."""

import json
import threading
from collections.abc import Callable
from typing import Any

from modelserver import problems
from modelserver.llm.engine import ChatRequest, EngineFailed, Usage
from modelserver.llm.xllama import gguf_file
from modelserver.options import Options
from modelserver.shelf import Installed


class LlamaCppEngine:
    parallel = 1

    def __init__(self, model: Installed, options: Options) -> None:
        try:
            import llama_cpp  # an extra, and heavy
        except ImportError as err:
            sentence = "The chat engine llama-cpp-python was chosen, but that package is not installed on this box."
            raise problems.absent("engine_missing", sentence) from err
        self._library: Any = llama_cpp
        self._lock = threading.Lock()
        try:
            self._model: Any = llama_cpp.Llama(
                str(gguf_file(model)), n_ctx=options.context_tokens, n_threads=options.threads,
                n_gpu_layers=options.gpu_layers, verbose=False,
            )
        except (ValueError, RuntimeError) as err:
            raise problems.unreadable(model.name) from err

    def chat(self, request: ChatRequest, on_text: Callable[[str], None], stopped: threading.Event) -> Usage:
        with self._lock:
            try:
                return self._chat(request, on_text, stopped)
            except ValueError as err:
                if "context window" in str(err):
                    raise problems.too_long() from err
                raise EngineFailed(str(err)) from err
            except RuntimeError as err:
                raise EngineFailed(str(err)) from err

    def _chat(self, request: ChatRequest, on_text: Callable[[str], None], stopped: threading.Event) -> Usage:
        pieces, reason = 0, "stop"
        stream = self._model.create_chat_completion(
            messages=request.messages, max_tokens=request.max_tokens, temperature=request.temperature, top_p=request.top_p,
            seed=request.seed, stop=request.stop, grammar=self._grammar(request.schema), stream=True,
        )
        for chunk in stream:
            choice = chunk["choices"][0]
            reason = choice.get("finish_reason") or reason
            text = choice["delta"].get("content")
            if text:
                pieces += 1
                on_text(text)
            if stopped.is_set():
                stream.close()
                break
        return Usage(int(self._model.n_tokens) - pieces, pieces, reason)

    def _grammar(self, schema: dict[str, Any] | None) -> Any:
        if schema is None:
            return None
        try:
            return self._library.LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False)
        except (ValueError, RuntimeError) as err:
            raise problems.refused("bad_schema", f"The JSON schema cannot be turned into a grammar: {err}") from err

    def close(self) -> None:
        self._model.close()
