"""One process of the box by itself, under a supervisor such as systemd: `python -m appliance.entrypoints.alone web`.

The folders, the key, Redis and the tables are there already; who installed the box made them.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import socket
import sys
import tempfile
from http import HTTPStatus

from appliance.core import memory
from appliance.core.config import Settings
from appliance.entrypoints import modelserving, notify
from appliance.entrypoints.terminal import Failed, read_settings, speak_as_the_terminal

MODELS = "models"


def main() -> int:
    """Exit code 0 after a clean stop, 1 when it could not start, 2 for a name that is none."""
    from appliance.core.crypto import KeyUnreadable
    from appliance.entrypoints import up

    speak_as_the_terminal()
    runs = {process.name: process.run for process in up.PROCESSES}
    name = sys.argv[-1] if len(sys.argv) > 1 else ""
    if name != MODELS and name not in runs:
        sys.stderr.write(f"python -m appliance.entrypoints.alone {'|'.join((MODELS, *runs))}\n")
        return 2
    os.umask(0o077)
    tempfile.tempdir = memory.parts_folder()  # as under `up`: parts of uploads never lie in the clear on a disk
    try:
        settings = read_settings()
        up.make_folders(settings)
        lock = up.take_lock(settings, fcntl.LOCK_SH)
        if name == MODELS:
            return _serve_models(settings)
        up.check_sentinels(settings, may_be_silent=True)  # after a power cut they may start later
        runs[name]()
    except (Failed, up.CannotStart, KeyUnreadable) as err:
        sys.stderr.write(f"{err.message if isinstance(err, Failed) else err}\n")
        return 1
    lock.close()
    return 0


def _serve_models(settings: Settings) -> int:
    """This process gives it the key, asks whether it answers, and passes on the wish to stop."""
    child = modelserving.start(settings)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child.pid or 0, signal.SIGTERM) if child.alive() else None)
    notify.watch(lambda: child.alive() and answers(settings))
    return child.wait()


class _Connection(http.client.HTTPConnection):
    """To a unix socket where there is a path, else to `host`:`port`."""

    def __init__(self, settings: Settings) -> None:
        host, _colon, port = settings.models.listen.rpartition(":")
        super().__init__(host or "localhost", int(port or 0) or None, timeout=5)
        self._path = None if settings.models.listen else settings.modelserver_socket

    def connect(self) -> None:
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def answers(settings: Settings) -> bool:
    """Whether this machine's model server is well."""
    asking = _Connection(settings)
    try:
        asking.request("GET", "/health")
        return asking.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


if __name__ == "__main__":
    sys.exit(main())
