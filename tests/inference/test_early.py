"""An answer that is read later is read whole, or told as what went wrong."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from appliance.core.errors import Unavailable
from appliance.inference.early import Line

WHOLE = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def peer(listening: socket.socket, answers: list[list[bytes]]) -> Iterator[list[bytes]]:
    """Each connection gets its answers, one a request, byte after byte in two pieces, and is then closed."""
    heard: list[bytes] = []

    def serve() -> None:
        for mine in answers:
            line, _ = listening.accept()
            with line:
                for answer in mine:
                    heard.append(line.recv(65536))
                    with suppress(OSError):  # who has heard enough hangs up
                        line.sendall(answer[:9])
                        line.sendall(answer[9:])

    thread = threading.Thread(target=serve)
    listening.listen()
    thread.start()
    yield heard
    thread.join(60)
    assert not thread.is_alive()
    listening.close()


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "m.sock"


@pytest.fixture
def listening(address: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.bind(str(address))
    return found


def ask(line: Line) -> object:
    return line.post("/v1/x", b"{}", headers={}, timeout_s=60)().json()


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED], ids=["counted", "chunked"])
def test_an_answer_in_pieces_is_read_whole_and_its_connection_used_again(address: Path, listening: socket.socket, answer: bytes) -> None:
    line = Line(address, headers={"Authorization": "Bearer t"})
    with peer(listening, [[answer, answer]]) as heard:
        assert [ask(line), ask(line)] == [{"a": 1}, {"a": 1}]
    line.close()
    assert heard[0] == heard[1] == b"POST /v1/x HTTP/1.1\r\nHost: models\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n\r\n{}"


def test_a_connection_that_was_closed_while_idle_is_opened_anew_unnoticed(address: Path, listening: socket.socket) -> None:
    line = Line(address, headers={})
    with peer(listening, [[WHOLE], [WHOLE]]):
        assert [ask(line), ask(line)] == [{"a": 1}, {"a": 1}]
    line.close()


def test_a_refusal_keeps_its_status_and_headers_and_a_closed_connection_is_not_kept(address: Path, listening: socket.socket) -> None:
    line = Line(address, headers={})
    with peer(listening, [[BUSY], [WHOLE]]):
        refused = line.post("/v1/x", b"{}", headers={}, timeout_s=60)()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
        assert ask(line) == {"a": 1}
    line.close()


@pytest.mark.parametrize("answer", [b"", WHOLE[:-3], b"what is this"], ids=["nothing", "cut short", "not HTTP"])
def test_half_an_answer_is_none(address: Path, listening: socket.socket, answer: bytes) -> None:
    with peer(listening, [[answer]]), pytest.raises(Unavailable, match="does not answer"):
        ask(Line(address, headers={}))


def test_nobody_there_and_nobody_who_speaks_are_told_apart(address: Path, listening: socket.socket) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        ask(Line(address.with_name("none.sock"), headers={}))
    listening.listen()
    with pytest.raises(Unavailable, match="too long"):
        Line(address, headers={}).post("/v1/x", b"{}", headers={}, timeout_s=0.05)()
    listening.close()


def test_a_server_at_an_address_is_called_under_its_path() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    line = Line(f"http://127.0.0.1:{port}/models/", headers={})
    with peer(listening, [[WHOLE]]) as heard:
        assert ask(line) == {"a": 1}
    line.close()
    assert heard[0].startswith(f"POST /models/v1/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode())
