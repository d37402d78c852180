"""Databases of PostgreSQL beside the box's own: copied, renamed, left by others."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sqlalchemy import DDL, URL, text
from sqlalchemy.exc import DBAPIError

from appliance.domains.ops.gateways import postgresql

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

REHEARSAL, BEFORE, UNDONE = "rehearsal", "before-update", "undone-update"
NAMES = {REHEARSAL: "rehearsal", BEFORE: "before_update", UNDONE: "undone_update"}  # of PostgreSQL's databases, after the box's own name


def administering(url: URL, isolation: str = "AUTOCOMMIT") -> AbstractContextManager[Connection]:
    """From beside: a database is not renamed or copied by who is in it."""
    return postgresql.administering(url.set(database="postgres"), isolation)


def beside(url: URL, what: str) -> str:
    return f"{url.database}_{NAMES[what]}"


def say(connection: Connection, statement: str, **names: str | None) -> None:
    quoted = {name: connection.dialect.identifier_preparer.quote(value or "") for name, value in names.items()}
    connection.execute(DDL(statement, context=quoted))  # type: ignore[no-untyped-call]  # the library's


def rename(connection: Connection, name: str | None, to: str | None) -> None:
    say(connection, "ALTER DATABASE %(name)s RENAME TO %(to)s", name=name, to=to)


def exists(connection: Connection, name: str | None) -> bool:
    return connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}) is not None


def said_by(err: Exception) -> str:
    """In a line: what follows in a database's words is the statement, and the library's own end in a link."""
    said = str(err.orig if isinstance(err, DBAPIError) else err).splitlines()
    return said[0] if said else type(err).__name__


def copy_rights(connection: Connection, url: URL) -> None:
    """A copy of a database comes without who may connect to it."""
    given = text(
        "SELECT pg_get_userbyid(one.grantee) AS who, one.privilege_type AS may FROM pg_database, aclexplode(datacl) AS one "
        "WHERE datname = :name AND one.grantee <> 0 AND one.grantee <> datdba"
    )
    may = connection.execute(given, {"name": url.database}).all()
    closed = text("SELECT datacl IS NOT NULL FROM pg_database WHERE datname = :name")
    if connection.scalar(closed, {"name": url.database}):
        say(connection, "REVOKE ALL ON DATABASE %(name)s FROM PUBLIC", name=beside(url, BEFORE))
    for who, right in may:
        if right in {"CONNECT", "TEMPORARY", "CREATE"}:
            say(connection, f"GRANT {right} ON DATABASE %(name)s TO %(who)s", name=beside(url, BEFORE), who=who)
