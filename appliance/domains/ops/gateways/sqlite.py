"""The embedded database as SQL text, as `.dump` of the sqlite shell writes it, one statement after the other with a zero byte between.

Pages of an encrypted file change whole when a letter does; text that restic encrypts itself is stored once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select, table, text

from appliance.core import db
from appliance.core.config import Settings
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.errors import BackupFailed

END = b";\0"
_PIECE = 1 << 20
_ROWS = 500
_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"


def dump(raw: Any, out: IO[bytes], *, without: Collection[str]) -> None:
    """`raw`: the driver's connection with its transaction open. Of the tables `without` only the table, not what is in it."""
    objects = raw.execute(_OBJECTS).fetchall()
    tables = [(name, sql) for kind, name, sql in objects if kind == "table"]
    for _name, sql in tables:
        out.write(sql.encode() + END)
    for name, _sql in tables:
        if name not in without:
            _dump_rows(raw, name, out)
    for kind, _name, sql in objects:
        if kind != "table":
            out.write(sql.encode() + END)


def _dump_rows(raw: Any, name: str, out: IO[bytes]) -> None:
    cursor = raw.execute(str(select(text("*")).select_from(table(name))))
    begin = f"INSERT INTO {_quoted(name)} VALUES(".encode()
    while rows := cursor.fetchmany(_ROWS):
        out.write(b"".join(begin + ",".join(map(_literal, row)).encode() + b")" + END for row in rows))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return f"CAST(X'{value.encode().hex()}' AS TEXT)" if "\0" in value else "'" + value.replace("'", "''") + "'"
    return repr(value)


def load(stream: IO[bytes], settings: Settings, key: bytes, path: Path) -> None:
    """Make the database at `path`, encrypted under `key`. Raises BackupFailed when the copy is not whole."""
    path.unlink(missing_ok=True)
    database = db.connect(settings, key, url=f"sqlite:///{path}")
    pooled = database.engine.raw_connection()
    raw: Any = pooled.driver_connection
    try:
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("BEGIN IMMEDIATE")
        for statement in _statements(stream):
            raw.execute(statement)
        raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _check(raw)
    except raw.Error as err:
        raise BackupFailed(_("The copy of the database could not be read back: %(why)s", why=type(err).__name__)) from err
    finally:
        pooled.close()
        database.close()


def _statements(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while piece := stream.read(_PIECE):
        *whole, rest = (rest + piece).split(END)
        for statement in whole:
            yield statement.decode()
    if rest:
        raise BackupFailed(_("The copy of the database is not whole."))


def _check(raw: Any) -> None:
    found = raw.execute("PRAGMA integrity_check").fetchone()[0]
    loose = raw.execute("PRAGMA foreign_key_check").fetchone()
    if found != "ok" or loose is not None:
        raise BackupFailed(_("The copy of the database is damaged: %(why)s", why=found if found != "ok" else loose[0]))
