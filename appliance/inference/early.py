"""A request to the model server that is sent now and whose answer is read when the caller has done something else meanwhile."""

import http.client
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _

RESTART_S = 2.0
KEPT_CONNECTIONS = 8
Opened = http.client.HTTPConnection


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("models")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Line:
    """Open connections of this process; a forked child starts without any."""

    def __init__(self, address: Path | str, *, headers: dict[str, str]) -> None:
        self._address = address
        self._headers = headers
        self._free: list[Opened] = []
        self._lock = threading.Lock()

    def post(self, path: str, content: bytes, *, headers: Mapping[str, str], timeout_s: float) -> Callable[[], httpx.Response]:
        """Sends at once. The answer is read, once, by calling what is returned; that is also what raises Unavailable."""
        with self._lock:
            kept = self._free.pop() if self._free else None
        sent = self._sent(kept or self._opened(), path, content, headers, timeout_s)

        def answer() -> httpx.Response:
            found = self._read(sent)
            if found is None and kept is not None:  # it had been closed at the other end while it was idle
                found = self._read(self._sent(self._opened(), path, content, headers, timeout_s))
            if found is None:
                raise Unavailable(_("The model server does not answer; it may be starting."), retry_after=RESTART_S)
            return found

        return answer

    def close(self) -> None:
        with self._lock:
            for one in self._free:
                one.close()
            self._free.clear()

    def _opened(self) -> Opened:
        if isinstance(self._address, Path):
            return UnixConnection(self._address)
        parts = urlsplit(self._address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port)

    @property
    def _prefix(self) -> str:
        return "" if isinstance(self._address, Path) else urlsplit(self._address).path.rstrip("/")

    def _sent(self, line: Opened, path: str, content: bytes, headers: Mapping[str, str], timeout_s: float) -> Opened | None:
        """None when it is broken."""
        line.timeout = timeout_s
        if line.sock is not None:
            line.sock.settimeout(timeout_s)
        try:
            line.request("POST", self._prefix + path, content, {**self._headers, **headers})
        except (OSError, http.client.HTTPException):
            line.close()
            return None
        return line

    def _read(self, line: Opened | None) -> httpx.Response | None:
        if line is None:
            return None
        try:
            told = line.getresponse()
            found = httpx.Response(told.status, headers=told.getheaders(), content=told.read())
        except TimeoutError as err:
            line.close()
            raise Unavailable(_("The models took too long to answer."), retry_after=RESTART_S) from err
        except (OSError, http.client.HTTPException):
            line.close()
            return None
        with self._lock:
            if len(self._free) < KEPT_CONNECTIONS and not told.will_close:
                self._free.append(line)
                return found
        line.close()
        return found
