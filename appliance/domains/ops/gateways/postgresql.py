"""PostgreSQL's own programs: pg_dump, pg_restore. The data pass through pipes, never a disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO

from sqlalchemy import DDL, URL, create_engine, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.config import Settings
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.errors import BackupFailed
from appliance.domains.ops.gateways.processes import Run, running

SCRATCH = "salesedge_drill"
_SEES_ALL = "-c app.scope=box -c statement_timeout=0 -c lock_timeout=60s"  # the policy between tenants lets this scope through


def owner_url(settings: Settings) -> URL:
    return make_url(settings.database.owner_url or settings.database_url)


@contextmanager
def dumping(url: URL, *, snapshot: str = "", without: Collection[str], timeout_s: float) -> Iterator[IO[bytes]]:
    """As a stream, which has to be read to its end. Uncompressed: restic compresses what it stores, and finds again what it has."""
    left_out = [f"--exclude-table-data={name}" for name in without]
    view = [f"--snapshot={snapshot}"] if snapshot else []
    command = ["pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--enable-row-security",
               *view, *left_out, f"--dbname={address_of(url)}"]  # fmt: skip
    with running(command, environment_for(url), timeout_s=timeout_s, reads=True) as run:
        assert run.process.stdout is not None
        yield run.process.stdout
    check(run)


def dump(url: URL, out: IO[bytes], *, snapshot: str = "", without: Collection[str], timeout_s: float) -> None:
    with dumping(url, snapshot=snapshot, without=without, timeout_s=timeout_s) as stream:
        shutil.copyfileobj(stream, out, 1 << 20)


def load(stream: IO[bytes], url: URL, *, replace: bool, timeout_s: float) -> None:
    """All or nothing. Raises BackupFailed."""
    how = ["--clean", "--if-exists"] if replace else []
    command = ["pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", *how,
               f"--dbname={address_of(url)}"]  # fmt: skip
    with running(command, environment_for(url), timeout_s=timeout_s, writes=True) as run:
        assert run.process.stdin is not None
        try:
            shutil.copyfileobj(stream, run.process.stdin, 1 << 20)
        except ConnectionError:
            run.process.wait()
    while stream.read(1 << 20):
        pass  # whoever writes it meets no broken pipe
    check(run)


@contextmanager
def scratch_database(url: URL) -> Iterator[URL]:
    """Made for a drill and dropped after it; one that a killed drill left is dropped first."""
    try:
        drop_scratch(url)
        with administering(url) as connection:
            connection.execute(text("CREATE DATABASE salesedge_drill TEMPLATE template0"))
    except SQLAlchemyError as err:
        raise BackupFailed(_("This needs a role that may make a database (database.owner_url, CREATEDB).")) from err
    try:
        yield url.set(database=SCRATCH)
    finally:
        drop_scratch(url)


def drop_scratch(url: URL) -> None:
    with administering(url) as connection:
        drop_database(connection, SCRATCH)


def drop_database(connection: Connection, name: str) -> None:
    """FORCE fails for a role that is no superuser's while autovacuum is at work there; a plain drop ends that by itself, and waits 5 s."""
    end_others(connection, name)
    quoted = {"name": connection.dialect.identifier_preparer.quote(name)}
    connection.execute(DDL("DROP DATABASE IF EXISTS %(name)s", context=quoted))  # type: ignore[no-untyped-call]  # the library's


def end_others(connection: Connection, name: str | None) -> None:
    """The server goes on for a while with what one that was killed had asked of it."""
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND usename = user AND pid <> pg_backend_pid()"
    connection.execute(text(ending), {"name": name})


def let_in(connection: Connection, role: str) -> None:
    """The role of the application, which owns no table."""
    named = {"role": connection.dialect.identifier_preparer.quote(role)}
    for grant in ("SELECT, INSERT, UPDATE, DELETE ON ALL TABLES", "USAGE ON ALL SEQUENCES"):
        statement = f"GRANT {grant} IN SCHEMA public TO %(role)s"
        connection.execute(DDL(statement, context=named))  # type: ignore[no-untyped-call]  # the library's


@contextmanager
def administering(url: URL, isolation: str = "AUTOCOMMIT") -> Iterator[Connection]:
    engine = create_engine(url, isolation_level=isolation)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def address_of(url: URL) -> str:
    """Without the password, which others could read in the list of processes."""
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def environment_for(url: URL) -> dict[str, str]:
    passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    return {**passed, **password, "LC_ALL": "C", "PGOPTIONS": _SEES_ALL}


def check(run: Run) -> None:
    if run.process.returncode != 0:
        lines = run.complaint.strip().splitlines() or ["?"]
        raise BackupFailed(_("PostgreSQL's programs failed: %(why)s", why=lines[0][:300]))
