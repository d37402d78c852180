"""`python -m modelserver`"""

import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from modelserver.options import BadOption, parse

BACKLOG = 256


def main(arguments: Sequence[str] | None = None) -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # its figures are its own, whoever started it
    options = parse(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    os.environ.setdefault("RAYON_NUM_THREADS", str(options.threads))
    import uvicorn  # after the environment that native libraries read

    from modelserver.app import create_app
    from modelserver.hub import Hub

    try:
        app = create_app(options)
        listening = open_socket(options.socket) if options.socket else open_port(options.host, options.port)
    except BadOption as err:
        sys.stderr.write(f"{err}\n")
        return 1
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=8, lifespan="on")
    # uvicorn drains on a signal and then raises it again; the answer to that is a clean exit, not a death.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    hub: Hub = app.state.server.hub

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            hub.ending.set()
            super().handle_exit(sig, frame)

    Server(config).run(sockets=[listening])
    if options.socket:
        options.socket.unlink(missing_ok=True)
    if hub.working:  # a model that loads cannot be stopped, and Python may not end around a library at work
        os._exit(0)
    return 0


def open_socket(path: Path) -> socket.socket:
    """Raises BadOption when another server answers there already; a socket nobody answers on is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if path.exists():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            if caller.connect_ex(str(path)) == 0:
                raise BadOption(f"Another model server is already listening on {path}.")
        path.unlink()
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError as err:
        raise BadOption(f"The socket {path} cannot be opened ({err.strerror or err}).") from err
    finally:
        os.umask(before)
    listening.listen(BACKLOG)
    return listening


def open_port(host: str, port: int) -> socket.socket:
    """Raises BadOption when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as err:
        raise BadOption(f"{host}:{port} cannot be opened ({err.strerror or err}).") from err
    listening.listen(BACKLOG)
    return listening


if __name__ == "__main__":
    raise SystemExit(main())
