from collections.abc import Iterator

import httpx
import pytest

from tests.modelserver import tiny_gguf
from tests.modelserver.running import Running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("server"), ("--max-waiting", "8", "--context-tokens", "32768"))
    tiny_gguf.write(running.models / "tiny.gguf")
    tiny_gguf.write(running.models / "endless.gguf", endless=True)
    (running.models / "broken.gguf").write_bytes(b"GGUF and then nothing")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
