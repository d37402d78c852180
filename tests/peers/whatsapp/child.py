"""A real child with the real library, led to the peer; and what it said so far."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from uuid import uuid4

from appliance.domains.channels.gateways.qr import lines, wire
from tests.architecture.house import ROOT
from tests.peers.whatsapp import library
from tests.peers.whatsapp.peer import ANA_PHONE, WhatsAppPeer

WAIT_S = 90.0
ANA = f"{ANA_PHONE}@s.whatsapp.net"


def environment(peer, libraries):
    """What leads a child to the peer."""
    return wire.ENVIRONMENT | {"PYTHONPATH": f"{libraries}{os.pathsep}{ROOT}", "HTTPS_PROXY": peer.proxy, "SSL_CERT_FILE": str(peer.ca)}


@contextmanager
def whatsapp(folder):
    """The peer, and the folder of a library that takes it for WhatsApp."""
    peer = WhatsAppPeer(folder)
    try:
        yield peer, library.copy_that_trusts(peer.root, folder)
    finally:
        peer.close()


def send(child, message_id="", text="Oi", to=ANA, **more):
    """What became of it."""
    before = len(child.events)
    message_id = message_id or str(uuid4())
    child.say(wire.Send(message_id, to, "text", {"text": text}, **more))
    return child.says((wire.Sent, wire.Failed), lambda one: one.id == message_id, after=before)


def sent_to(peer):
    """The messages that the library sent, as they came."""
    return [one for one in peer.stanzas if one.tag == "message"]


class RealChild:
    def __init__(self, peer, libraries, store, *, silence_s=30):
        self.events = []
        self._changed = threading.Condition()
        self._link, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", wire.DRIVER, *wire.arguments(theirs.fileno(), str(store), silence_s=silence_s)],
                pass_fds=[theirs.fileno()], cwd="/",
                env={"PATH": os.environ["PATH"], **environment(peer, libraries)}, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        stream = lines.Lines()
        with suppress(ConnectionResetError):  # killed with something unread
            while piece := self._link.recv(1 << 16):
                heard = [wire.decode_event(line) for line in stream.feed(piece)]
                with self._changed:
                    self.events += heard
                    self._changed.notify_all()

    def say(self, command):
        self._link.sendall(wire.encode(command))

    def says(self, kind, wanted=lambda _: True, *, after=0):
        """The first such event behind the first `after` events, waiting for it."""

        def found():
            return next((one for one in self.events[after:] if isinstance(one, kind) and wanted(one)), None)

        with self._changed:
            event = self._changed.wait_for(found, WAIT_S)
        assert event is not None, f"no {kind} among {self.events[after:]}"
        return event

    def leave(self):
        """The parent is gone."""
        self._link.shutdown(socket.SHUT_RDWR)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ended(self):
        return self.process.wait(WAIT_S)

    def close(self):
        self.kill()
        self._listener.join(WAIT_S)  # it hears that the child's end is closed
        self._link.close()
