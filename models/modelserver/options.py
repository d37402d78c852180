"""How the server was started."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelserver import paths

KEY_BYTES = 32
LEAST_TOKEN = 16
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BadOption(Exception):
    """The server cannot start like this."""


@dataclass(frozen=True)
class Options:
    models: Path
    indexes: Path
    key_file: Path | None = None
    starter: Path = field(default_factory=paths.starter)
    socket: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    token_file: Path | None = None
    threads: int = 2
    embedding_model: str = "minilm-l6-v2-int8"
    chat_engine: str = "xllamacpp"
    context_tokens: int = 4096
    parallel_chats: int = 2
    gpu_layers: int = 0
    max_waiting: int = 32
    timeout_s: float = 120.0
    idle_unload_s: float = 0.0
    max_body_mb: int = 64
    ivf_above: int = 50_000

    def index_key(self) -> bytes | None:
        """Raises BadOption when the file is named but no key can be had from it."""
        if self.key_file is None:
            return None
        try:
            key = self.key_file.read_bytes()
        except OSError as err:
            raise BadOption(f"The key file {self.key_file} cannot be read ({err.strerror}).") from err
        if len(key) != KEY_BYTES:
            raise BadOption(f"The key file {self.key_file} holds {len(key)} bytes instead of {KEY_BYTES}.")
        return key

    def token(self) -> str | None:
        """Raises BadOption when the server would be open to a network without one, or with one that is guessed."""
        if self.token_file is None:
            if self.socket is None and self.host not in LOOPBACK:
                raise BadOption(f"Listening on {self.host} opens the models to the network: give --token-file as well.")
            return None
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except OSError as err:
            raise BadOption(f"The token file {self.token_file} cannot be read ({err.strerror}).") from err
        if len(token) < LEAST_TOKEN:
            raise BadOption(f"The token file {self.token_file} holds fewer than {LEAST_TOKEN} characters.")
        return token


def parse(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m modelserver", description="Serves models and vector indexes over HTTP.")
    add = parser.add_argument
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, help="unix socket to listen on (mode 0600)")
    where.add_argument("--port", type=int, default=0, help="TCP port to listen on")
    add("--host", default=Options.host, help="address for --port; anything but loopback needs --token-file")
    add("--token-file", type=Path, help="file with the bearer token callers must send")
    add("--models", type=Path, required=True, help="folder of installed models")
    add("--starter", type=Path, default=paths.starter(), help="folder of models that ship with the program")
    add("--indexes", type=Path, required=True, help="folder of vector indexes")
    add("--key-file", type=Path, help="32 random bytes that encrypt the indexes; without it there are none")
    add("--threads", type=int, default=Options.threads, help="CPU threads per model")
    add("--embedding-model", default=Options.embedding_model, help="embedder used when a request names none")
    add("--chat-engine", choices=("xllamacpp", "llama-cpp-python"), default=Options.chat_engine, help="what runs GGUF files")
    add("--context-tokens", type=int, default=Options.context_tokens, help="context per chat")
    add("--parallel-chats", type=int, default=Options.parallel_chats, help="chats answered at once by one model")
    add("--gpu-layers", type=int, default=Options.gpu_layers, help="layers placed on the GPU (-1: all)")
    add("--max-waiting", type=int, default=Options.max_waiting, help="requests a model lets wait before it sheds")
    add("--timeout", dest="timeout_s", type=float, default=Options.timeout_s, help="longest a request may take, in seconds")
    add("--idle-unload", dest="idle_unload_s", type=float, default=0.0, help="unload a model unused this long (0: never)")
    add("--max-body-mb", type=int, default=Options.max_body_mb, help="largest request body, in MiB")
    add("--ivf-above", type=int, default=Options.ivf_above, help="vectors above which a namespace is clustered")
    return Options(**vars(parser.parse_args(arguments)))
