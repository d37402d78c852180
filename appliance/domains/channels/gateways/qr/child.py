"""The child of one number, as its supervisor holds it: a process of its own group and a socket to it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import appliance
from appliance.domains.channels.gateways.qr import lines, wire

CONFINE = "appliance.domains.channels.gateways.qr.confine"
SAY_S = 10.0
_PASSED = ("PATH", "LANG", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "TZ")  # nothing secret
_PIECE = 65_536


class ChildGone(RuntimeError):
    """It ended, or no longer takes what is said to it."""


class Child:
    def __init__(self, store: Path, *, driver: str = wire.DRIVER, complaints: bool = False) -> None:
        """`complaints`: what the library writes is shown; it may name people."""
        self.socket, theirs = socket.socketpair()
        arguments = wire.arguments(theirs.fileno(), str(store))
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        paths = (os.environ.get("PYTHONPATH", ""), str(Path(appliance.__file__).parents[1]))
        environment.update(PYTHONPATH=os.pathsep.join(path for path in paths if path), HOME=str(store.parent), TMPDIR=str(store.parent))
        environment.update(wire.ENVIRONMENT)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", CONFINE, str(os.getpid()), driver, *arguments], env=environment, cwd=store.parent,
            pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, process_group=0,
            stderr=None if complaints else subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        self.socket.settimeout(SAY_S)
        self._lines = lines.Lines()
        self._turn = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, command: wire.Command) -> None:
        """Raises ChildGone; BadLine for what is too long to say."""
        line = wire.encode(command)
        try:
            with self._turn:
                self.socket.sendall(line)
        except OSError as err:
            raise ChildGone from err

    def hear(self) -> list[bytes]:
        """The whole lines that are there; call it when the socket can be read. Raises ChildGone, BadLine."""
        try:
            piece = self.socket.recv(_PIECE)
        except OSError as err:
            raise ChildGone from err
        if not piece:
            raise ChildGone
        return list(self._lines.feed(piece))

    def end(self) -> int:
        """At once, whatever it is doing, with everything it started. How it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self.socket.close()
        return code
