import shutil
from collections.abc import Iterator

import httpx
import pytest

from tests.modelserver import tiny_gguf, tiny_whisper
from tests.modelserver.running import Running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("server"), ("--max-waiting", "8", "--context-tokens", "32768"))
    tiny_gguf.write(running.models / "tiny.gguf")
    tiny_gguf.write(running.models / "endless.gguf", endless=True)
    (running.models / "broken.gguf").write_bytes(b"GGUF and then nothing")
    whole = tiny_whisper.install(running.models)
    damaged = shutil.copytree(whole.parent, running.models / "whisper-damaged")
    (damaged / "model.json").write_text('{"task": "transcription", "engine": "whisper.cpp", "name": "whisper-damaged"}')
    (damaged / whole.name).write_bytes(whole.read_bytes()[:1_000_000])
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
