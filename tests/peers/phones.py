"""WhatsApp as the tests' driver sees it: says what it is told to say, remembers what was sent. One socket a session."""

import contextlib
import json
import socket
import threading
import time

from appliance.domains.channels.gateways.qr import lines, wire

ME = "5511955550101@s.whatsapp.net"
OPEN = wire.Open(ME, "900@lid", "Loja")


class Phones:
    """`greeting`: what a linked driver hears first. `acknowledges`: whether a message is answered with Sent."""

    def __init__(self):
        self.greeting, self.acknowledges = OPEN, True
        self.sent, self.hellos, self.asked = [], [], []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._connections = []
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def say(self, event, place=-1):
        """To the driver that came last, or to another."""
        self.tell(wire.encode(event), place)

    def tell(self, line, place=-1):
        self._connections[place].sendall(line)

    def kill_driver(self):
        self.tell(b'{"die": true}\n')

    def drop(self):
        """The network is gone: connections end and none can be made."""
        self._server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._server.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def come_back(self):
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def await_(self, condition, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                assert left > 0, f"not in {timeout_s} s: {self.hellos} {self.sent}"
                self._changed.wait(min(left, 0.1))

    def close(self):
        with contextlib.suppress(OSError):
            self.drop()

    def _accept(self):
        server = self._server
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = lines.Lines()
        while True:
            try:
                piece = connection.recv(65_536)
            except OSError:
                return
            if not piece:
                return
            for line in stream.feed(piece):
                self._take(connection, json.loads(line))

    def _take(self, connection, said):
        with self._changed:
            if "hello" in said:
                self.hellos.append(said)
                if said["hello"] and self.greeting is not None:
                    connection.sendall(wire.encode(self.greeting))
            elif "send" in said:
                self.sent.append(said)
                if self.acknowledges:
                    connection.sendall(wire.encode(wire.Sent(said["send"], said["provider_id"], int(time.time()))))
            else:
                self.asked.append(said)
            self._changed.notify_all()
