"""A line to a peer that can be cut: refused, or silent as where a router drops what it gets and no connection ever opens."""

import contextlib
import socket
import threading
from typing import Literal

PIECE = 65_536
KNOCKS = 3  # that fill a queue of length nought: whoever comes then hears nothing


class Line:
    """Listens on a port of its own and carries everything to `target` while it is whole."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = []
        self._begin()

    def cut(self, how: Literal["refused", "silent"]) -> None:
        self.close()
        if how == "silent":
            self._server = socket.create_server(("127.0.0.1", self.port), backlog=0)
            for _ in range(KNOCKS):
                knock = socket.socket()
                knock.setblocking(False)
                knock.connect_ex(("127.0.0.1", self.port))
                self._open.append(knock)

    def mend(self) -> None:
        self.close()
        self._server = socket.create_server(("127.0.0.1", self.port))
        self._begin()

    def close(self) -> None:
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._server.close()

    def _begin(self) -> None:
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(PIECE):
            other.sendall(piece)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
