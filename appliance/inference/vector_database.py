"""The PostgreSQL that vectors lie in, where the settings name one: connections that end in time, and whether it is fit for them."""

import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import psycopg
import structlog
from psycopg.abc import PQGen
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege, InvalidSchemaName, UndefinedFile, UndefinedTable
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from appliance.core.config import NetworkSettings
from appliance.core.errors import DomainError
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import vouched
from appliance.inference.errors import VectorsAway
from appliance.inference.vector_tables import DATABASE, INDEXES, SCHEMA, fill, fresh_name, make

CONNECT_S = 3
STATEMENT_S = 10.0
BUILD_S = 1800  # well within a slow job: what comes after the graph has to be done, too
GRACE_S = 2.0  # beyond the server's own time-out: it hangs
WAITS_S = 5
RESTART_S = 2.0
PORT = "5432"
CONNECTIONS = 8
LEAST_SERVER = 14
LEAST_VERSION = (0, 8)
ALIVE = {  # a machine that vanished is noticed within 25 s, also while a graph is waited for
    "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000,
}
_TURN = 0x5A1E5ED6E  # of who makes the schema
AWAY = ("08", "57P")  # classes of SQLSTATE: connections, and a server that stops or starts
_REFUSED = re.compile(r"FATAL: +(?! |the database system is )(.+)|failed: (.*(?:SSL|certificate|password|authentication).*)")
log = structlog.get_logger()


class TableGone(Exception):
    """A table that was there a moment ago: the index was built anew meanwhile, or somebody emptied the database."""


class Patient(psycopg.Connection[Any]):
    """Gives up a server that says nothing: time-outs of its own do not help against one that hangs."""

    patience_s: float = STATEMENT_S + GRACE_S

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        ends = self.patience_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, ends)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # nobody knows what it would answer to the next question
            raise


class VectorDatabase:
    """Connections are kept open per process. What is missing in the database is made when it is first used. `owner` names the box."""

    def __init__(self, url: str, network: NetworkSettings | None = None, owner: str = "") -> None:
        self._url = url
        self._owner = owner
        self._network = network or NetworkSettings()
        self._engines: dict[int, Engine] = {}
        self._made: set[int] = set()  # processes that have seen all they need there
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """All that is read is of one moment. Raises TableGone, Unavailable."""
        with self.translated():
            self._make()
            with self._engine().execution_options(isolation_level="REPEATABLE READ").connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction. Raises TableGone, Unavailable."""
        with self.translated():
            self._make()
            with self._engine().begin() as connection:
                yield connection

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """For who writes for long and commits: what was not committed is taken back. Raises Unavailable."""
        with self.translated():
            self._make()
            connection = self._engine().connect()
        try:
            yield connection
        finally:
            with suppress(SQLAlchemyError, psycopg.Error):
                connection.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, psycopg.Error) as err:
            cause = err.orig if isinstance(err, DBAPIError) else err
            if isinstance(cause, UndefinedTable | InvalidSchemaName):
                self._made.discard(os.getpid())
                raise TableGone from err
            raise _away(_told(cause)) from err

    def version(self, dim: int) -> tuple[str, str]:
        """Of the server and of its extension; a small index is made and taken back. Raises TableGone, Unavailable."""
        with self.translated():
            self._make()
            with self._engine().connect() as connection:
                server = str(connection.execute(text("SHOW server_version")).scalar_one()).partition(" ")[0]
                connection.execute(text("SELECT '[1]'::halfvec(1)"))
                name = fresh_name("check")
                make(connection, name, dim)
                fill(connection, name, [1], np.ones((1, dim), np.float32))
                return server, str(connection.execute(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")).scalar_one())

    def close(self) -> None:
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _engine(self) -> Engine:
        """A forked child gets connections of its own."""
        with self._lock:
            found = self._engines.get(os.getpid())
            if found is None:
                found = self._engines[os.getpid()] = _connect(self._url, self._network)
            return found

    def _make(self) -> None:
        if os.getpid() in self._made:
            return
        with self._engine().begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_TURN)))  # two who make it at once hinder each other
            _check_server(connection)
            _make_extension(connection)
            if None in connection.execute(select(*(func.to_regclass(table.fullname) for table in (INDEXES, DATABASE)))).one():
                connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
                INDEXES.metadata.create_all(connection)
            self._own(connection)
        self._made.add(os.getpid())

    def _own(self, connection: Connection) -> None:
        """Raises Unavailable where another box does: it would drop what it knows no owner of."""
        owner = connection.scalar(select(DATABASE.c.owner))
        if owner is None:
            connection.execute(insert(DATABASE).values(id=secrets.token_hex(16), owner=self._owner))
        elif owner != self._owner:
            said = _("The database in knowledge.vectors_url belongs to another box: name one of this box's own, or drop the schema "
                     "salesedge there.")  # fmt: skip
            raise _away(said)


def _connect(url: str, network: NetworkSettings) -> Engine:
    timeouts = f"-c statement_timeout={round(STATEMENT_S * 1000)} -c lock_timeout={WAITS_S * 1000} -c timezone=UTC"
    # prepare_threshold: how a search is best done depends on what it allows
    arguments = {"options": timeouts, "connect_timeout": CONNECT_S, "prepare_threshold": None, **ALIVE}
    engine = create_engine(
        url, connect_args=arguments, pool_size=CONNECTIONS, max_overflow=CONNECTIONS, pool_timeout=WAITS_S, pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", lambda _dialect, _record, given, named: Patient.connect(*given, **_admitted(network, named)))
    event.listen(engine, "checkin", _rest)
    event.listen(engine, "checkout", lambda driver, _record, _proxy: setattr(driver, "patience_s", Patient.patience_s))
    return engine


def _rest(driver: Patient | None, _record: object) -> None:
    """The next question over it is whether it lives: that takes no longer than to connect."""
    if driver is not None:
        driver.patience_s = CONNECT_S


def _admitted(network: NetworkSettings, named: dict[str, Any]) -> dict[str, Any]:
    """The servers that the box may call, each at the address that was looked at. Raises Unavailable where none is left.

    All three lists are always named, or the environment would name them.
    """
    hosts, addresses, ports = (str(named.get(one) or "").split(",") for one in ("host", "hostaddr", "port"))
    count = max(len(hosts), len(addresses))
    found: list[tuple[str, str, str]] = []
    refused: DomainError | None = None
    for number in range(count):
        host, address = (several[number] if number < len(several) else "" for several in (hosts, addresses))
        port = (ports[number] if len(ports) == count else ports[0]) or PORT
        try:
            found.append((host, _address(network, address or host, int(port)), port))
        except DomainError as err:
            refused = err
    if not found:
        raise _away(refused) from refused
    lists = (",".join(one) for one in zip(*found, strict=True))
    return {**named, **dict(zip(("host", "hostaddr", "port"), lists, strict=True))}


def _address(network: NetworkSettings, host: str, port: int) -> str:
    """Empty for a socket on this machine. Raises NotAllowed, Unavailable."""
    if not host or host.startswith(("/", "@")):
        return ""
    return vouched(network, f"//[{host}]" if ":" in host else f"//{host}").admit("vectors", host, port)


@contextmanager
def taking_time(connection: Connection) -> Iterator[None]:
    """In a transaction: building an index over many vectors takes minutes, and so does waiting for who does."""
    longest = str(BUILD_S * 1000)
    connection.execute(select(func.set_config("statement_timeout", longest, True), func.set_config("lock_timeout", longest, True)))
    driver = connection.connection.driver_connection
    assert isinstance(driver, Patient)
    driver.patience_s = BUILD_S + GRACE_S
    try:
        yield
    finally:
        driver.patience_s = Patient.patience_s
    connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))


def _check_server(connection: Connection) -> None:
    """Raises Unavailable with what the operator has to do."""
    if int(str(connection.scalar(text("SHOW server_version_num")))) < LEAST_SERVER * 10_000:
        told = str(connection.scalar(text("SHOW server_version"))).partition(" ")[0]
        said = _("The server in knowledge.vectors_url is PostgreSQL %(version)s; the box needs %(least)s or newer.",
                 version=told, least=LEAST_SERVER)  # fmt: skip
        raise _away(said)


def _make_extension(connection: Connection) -> None:
    """Raises Unavailable with what the operator has to do."""
    installed = text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    found = connection.scalar(installed)
    if found is None:
        try:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
        except DBAPIError as err:
            if isinstance(err.orig, FeatureNotSupported | UndefinedFile):
                raise _away(_("The server in knowledge.vectors_url lacks the extension vector: install pgvector 0.8 or newer.")) from err
            if isinstance(err.orig, InsufficientPrivilege):
                said = _("Have a superuser run CREATE EXTENSION vector in the database of knowledge.vectors_url: its role may not.")
                raise _away(said) from err
            raise
        found = connection.scalar(installed)
    if version_of(str(found)) < LEAST_VERSION:
        said = _("Install pgvector 0.8 or newer on the server in knowledge.vectors_url, then have ALTER EXTENSION vector UPDATE run in its "
                 "database: there it is %(version)s.", version=found)  # fmt: skip
        raise _away(said)


def version_of(told: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", told)[:2]))


def _away(why: object) -> VectorsAway:
    log.warning("vectors_away", reason=str(why))
    return VectorsAway(why, retry_after=RESTART_S)


def _told(cause: BaseException | None) -> object:
    """What the server says goes without values, and without the address that it was asked at."""
    state = (cause.sqlstate if isinstance(cause, psycopg.Error) else None) or ""
    if state and not state.startswith(AWAY):
        assert isinstance(cause, psycopg.Error)
        return _("The database of the vectors could not do this now: %(reason)s", reason=cause.diag.message_primary or state)
    if not state and (refused := _REFUSED.search(str(cause))):
        return _("The database of the vectors refuses the box: %(reason)s", reason=refused[1] or refused[2])
    return _("The database of the vectors does not answer.")
