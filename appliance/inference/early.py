"""A request to the model server that is sent now and whose answer is read when the caller has done something else meanwhile."""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import httpx

from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _

RESTART_S = 2.0
KEPT_CONNECTIONS = 8
PIECE = 1 << 16


class Told:
    """What the parser reads of one answer."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, piece: bytes) -> None:
        self.body.append(piece)

    def on_message_complete(self) -> None:
        self.whole = True


class Line:
    """Open connections of this process; a forked child starts without any."""

    def __init__(self, address: Path | str, *, headers: Mapping[str, str]) -> None:
        self._address = address
        parts = urlsplit("" if isinstance(address, Path) else address)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Host": parts.netloc.rpartition("@")[2] or "models", **headers}
        self._free: list[socket.socket] = []
        self._lock = threading.Lock()

    def post(self, path: str, content: bytes, *, headers: Mapping[str, str], timeout_s: float) -> Callable[[], httpx.Response]:
        """Sends at once. The answer is read, once, by calling what is returned; that is also what raises Unavailable."""
        with self._lock:
            kept = self._free.pop() if self._free else None
        request = self._request(path, content, headers)
        sent = self._sent(kept, request, timeout_s)

        def answer() -> httpx.Response:
            found = self._read(sent)
            if found is None and kept is not None:  # it had been closed at the other end while it was idle
                found = self._read(self._sent(None, request, timeout_s))
            if found is None:
                raise Unavailable(_("The model server does not answer; it may be starting."), retry_after=RESTART_S)
            return found

        return answer

    def close(self) -> None:
        with self._lock:
            for one in self._free:
                one.close()
            self._free.clear()

    def _request(self, path: str, content: bytes, headers: Mapping[str, str]) -> bytes:
        told = {**self._headers, **headers, "Content-Length": str(len(content))}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"POST {self._prefix}{path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + content

    def _sent(self, kept: socket.socket | None, request: bytes, timeout_s: float) -> socket.socket | None:
        """None when it is broken."""
        line = kept
        try:
            line = line or dial(self._address, timeout_s)
            line.settimeout(timeout_s)
            line.sendall(request)
        except OSError:
            if line is not None:
                line.close()
            return None
        return line

    def _read(self, line: socket.socket | None) -> httpx.Response | None:
        if line is None:
            return None
        told = Told()
        parser = httptools.HttpResponseParser(told)
        try:
            while not told.whole:
                parser.feed_data(line.recv(PIECE) or _cut_short())
        except TimeoutError as err:
            line.close()
            raise Unavailable(_("The models took too long to answer."), retry_after=RESTART_S) from err
        except (OSError, httptools.HttpParserError):
            line.close()
            return None
        found = httpx.Response(parser.get_status_code(), headers=told.headers, content=b"".join(told.body))
        with self._lock:
            if len(self._free) < KEPT_CONNECTIONS and found.headers.get("connection") != "close":
                self._free.append(line)
                return found
        line.close()
        return found


def dial(address: Path | str, timeout_s: float) -> socket.socket:
    """Raises OSError."""
    if isinstance(address, Path):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(timeout_s)
            line.connect(str(address))
        except OSError:
            line.close()
            raise
        return line
    parts = urlsplit(address)
    safe, host = parts.scheme == "https", parts.hostname or ""
    line = socket.create_connection((host, parts.port or (443 if safe else 80)), timeout_s)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ssl.create_default_context().wrap_socket(line, server_hostname=host) if safe else line


def _cut_short() -> bytes:
    raise ConnectionResetError("the answer ended before it was whole")
