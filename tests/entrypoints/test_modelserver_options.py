"""What the operator writes in config.toml reaches the model server."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from appliance.core.config import ModelSettings, Settings
from appliance.entrypoints import modelserving
from modelserver.options import parse


def test_every_model_setting_reaches_the_model_server(tmp_path: Path) -> None:
    models = ModelSettings(
        threads=3, embedding_model="other", gguf_engine="llama-cpp-python", context_tokens=8192, parallel_chats=5, max_waiting=7,
        gpu_layers=-1, idle_unload_s=90,
    )  # fmt: skip
    options = parse(modelserving.options(Settings(home=tmp_path, models=models)))
    assert (options.threads, options.embedding_model, options.chat_engine) == (3, "other", "llama-cpp-python")
    assert (options.context_tokens, options.parallel_chats, options.max_waiting) == (8192, 5, 7)
    assert (options.gpu_layers, options.idle_unload_s, options.models) == (-1, 90, tmp_path / "models")


def test_a_token_that_is_guessed_is_refused_in_a_sentence(tmp_path: Path) -> None:
    token = tmp_path / "token"
    for text in ("", "\n", "fifteen letters\n"):
        token.write_text(text)
        with pytest.raises(ValidationError, match="openssl rand -hex 32"):
            ModelSettings(token_file=token)
    token.write_text("0123456789abcdef\n")
    assert ModelSettings(token_file=token).token_file == token
