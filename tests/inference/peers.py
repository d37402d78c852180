"""Loopback peers: a file host that behaves badly on request, and language model servers shaped like Ollama and OpenAI."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@contextmanager
def serving(kind: type[Quiet], port: int = 0) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", port), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class FileHost:
    """Serves one file with Range and ETag. `breaks` is after how many bytes each coming answer is cut off."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.breaks: list[int] = []
        self.asked: list[str] = []

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'

    def kind(self) -> type[Quiet]:
        host = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                if self.path.startswith("/moved/"):
                    self.send_response(302)
                    self.send_header("Location", self.path.removeprefix("/moved"))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if not self.path.startswith("/file"):
                    self.send_error(404)
                    return
                host.answer(self)

        return Handler

    def answer(self, request: Quiet) -> None:
        wanted = request.headers.get("Range", "")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and request.headers.get("If-Range") == self.tag else 0
        if start and start >= len(self.content):
            request.send_response(416)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("ETag", self.tag)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.breaks.pop(0)] if self.breaks else body)
        request.close_connection = True


Answer = Callable[[str, dict[str, object]], tuple[int, Iterable[bytes], str]]


class Scripted:
    """Answers by a function of path and body, piece by piece, and remembers what it was sent. `left`: the caller went away."""

    def __init__(self, answer: Answer) -> None:
        self.seen: list[tuple[str, dict[str, object], str]] = []
        self.written = 0
        self.left = threading.Event()
        self._answer = answer

    def kind(self) -> type[Quiet]:
        script = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                script.seen.append((self.path, body, self.headers.get("Authorization", "")))
                status, pieces, kind = script._answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Connection", "close")
                self.end_headers()
                script.written = 0
                try:
                    for piece in pieces:
                        self.wfile.write(piece)
                        script.written += 1
                except ConnectionError:
                    script.left.set()
                self.close_connection = True

        return Handler
