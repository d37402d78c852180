"""Starts the model server: another program, which gets its options in its command and its key through a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from appliance.core import crypto, envelope
from appliance.core.config import Settings
from appliance.entrypoints.children import Spawned


def start(settings: Settings) -> Spawned:
    """Raises crypto.KeyUnreadable."""
    key = crypto.Keyring(envelope.open_root(settings)).index_key
    return Spawned([sys.executable, "-m", "modelserver", *options(settings)], _with_models_path(), stdin=key)


def options(settings: Settings) -> list[str]:
    models, home = settings.models, settings.home
    named = {
        **_address(settings), "--models": home / "models", "--indexes": home / "indexes", "--key-file": "/dev/stdin",
        "--threads": models.threads, "--embedding-model": models.embedding_model, "--chat-engine": models.gguf_engine,
        "--context-tokens": models.context_tokens, "--parallel-chats": models.parallel_chats, "--max-waiting": models.max_waiting,
        "--gpu-layers": models.gpu_layers, "--idle-unload": models.idle_unload_s,
    }  # fmt: skip
    return [str(part) for pair in named.items() for part in pair]


def _address(settings: Settings) -> dict[str, object]:
    if not settings.models.listen:
        return {"--socket": settings.modelserver_socket}
    host, _colon, port = settings.models.listen.rpartition(":")
    token = settings.models.token_file
    return {"--host": host, "--port": port, **({"--token-file": token} if token else {})}


def _with_models_path() -> dict[str, str]:
    models = str(Path(__file__).parents[2] / "models")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (models, os.environ.get("PYTHONPATH", "")) if part)}
