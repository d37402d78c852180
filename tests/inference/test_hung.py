"""A model server that takes what it is asked and says nothing holds up one search, and is asked again soon."""

import base64
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core import breaker
from appliance.core.config import ModelSettings
from appliance.core.errors import Unavailable
from appliance.inference import engines, http, wire

TIMEOUT_S = 1.0
LIMIT_S = 60.0
FOUND = json.dumps({"ids": base64.b64encode(bytes(8)).decode(), "scores": base64.b64encode(bytes(4)).decode(), "version": 1}).encode()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    asked = 0
    speaks = False


class Line(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Server)
        while self.request.recv(65536):
            self.server.asked += 1
            if self.server.speaks:
                self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(FOUND), FOUND))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(str(tmp_path / "m.sock"), Line) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def inference(server: Server, monkeypatch: pytest.MonkeyPatch) -> http.HttpInference:
    monkeypatch.setattr(http, "SEARCH_TIMEOUT_S", TIMEOUT_S)
    monkeypatch.setattr(http, "SLOW_FAILURE_S", TIMEOUT_S / 2)
    return http.HttpInference(ModelSettings(), wire.ModelServer(Path(str(server.server_address)), timeout_s=60), engines.NoEngine())


class Clock:
    at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(breaker, "time", found)
    return found


def search(inference: http.HttpInference, namespace: str = "one") -> list[int]:
    return list(map(int, inference.begin_search(namespace, text="x")().ids))


def test_a_hung_model_server_holds_up_one_search_and_is_asked_again_soon(
    server: Server, inference: http.HttpInference, steady: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable):
        search(inference)
    for namespace in ("one", "another"):
        with pytest.raises(Unavailable):
            search(inference, namespace)
    ends = time.monotonic() + LIMIT_S
    while not server.asked and time.monotonic() < ends:
        time.sleep(0.01)
    assert server.asked == 1
    server.speaks = True
    monkeypatch.setattr(http, "SEARCH_TIMEOUT_S", LIMIT_S)
    steady.at = http.SEARCH_RESTS_S
    assert [search(inference), search(inference)] == [[0], [0]]


def test_one_that_is_not_there_is_asked_each_time(
    server: Server, inference: http.HttpInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SEARCH_TIMEOUT_S", LIMIT_S)
    server.server_close()
    Path(str(server.server_address)).unlink()
    for _ in range(3):
        with pytest.raises(Unavailable):
            search(inference)
    server = Server(str(server.server_address), Line)
    server.speaks = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert search(inference) == [0]
    server.shutdown()
    server.server_close()
