"""Tables, engines, and the two walls between tenants: the session guard here, row-level security in PostgreSQL."""

import enum
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Engine,
    Enum,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import (
    DeclarativeBase,
    LoaderCriteriaOption,
    Mapped,
    ORMExecuteState,
    Session,
    UOWTransaction,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from appliance.core import canary, crypto, i18n, metrics
from appliance.core.config import DatabaseSettings, Settings
from appliance.core.ids import new_id
from appliance.core.turns import Turns

TENANT_OWNED = "tenant_owned"
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite only counts up an INTEGER PRIMARY KEY
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python on both databases; a naive value is a bug and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Sealed(TypeDecorator[str]):
    """Text that is ciphertext in the database, under the key of the tenant whose unit of work writes it."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        del dialect
        return None if value is None else crypto.installed().seal(crypto.sealing_tenant.get(), value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else crypto.installed().unseal(value).decode()


class Sentence(TypeDecorator[str]):
    """Why something went wrong (`i18n.told`): read in the language of who reads it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else i18n.pack(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else i18n.unpack(value)


class SealedSentence(Sealed):
    """The same, sealed."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return super().process_bind_param(None if value is None else i18n.pack(value), dialect)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        kept = super().process_result_value(value, dialect)
        return None if kept is None else i18n.unpack(kept)


class SealedJson(TypeDecorator[Any]):
    """The same for JSON values."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        del dialect
        if value is None:
            return None
        return crypto.installed().seal(crypto.sealing_tenant.get(), json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        del dialect
        return None if value is None else json.loads(crypto.installed().unseal(value))


def _enum_values(kind: type[enum.Enum]) -> list[str]:
    return [str(member.value) for member in kind]


class Rows(DeclarativeBase):
    """Root of every mapped class."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        UUID: Uuid(),
        bytes: LargeBinary(),
        str: String(),
        enum.StrEnum: Enum(enum.StrEnum, native_enum=False, length=40, create_constraint=False, values_callable=_enum_values),
        dict[str, Any]: Json,
        dict[str, str]: Json,
        list[str]: Json,
        list[Any]: Json,
        list[dict[str, Any]]: Json,
    }


class Base(Rows):
    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-10)


class TenantOwned:
    """Rows of one tenant. Reads are filtered and writes checked without the caller having to remember it."""

    tenant_id: Mapped[UUID] = mapped_column(sort_order=-9)


class NoTenant(RuntimeError):
    """A tenant's table was touched outside a unit of work of that tenant."""


class ReadOnlyUnit(RuntimeError):
    """A unit of work opened for reading was about to write."""


class CrossTenantWrite(RuntimeError):
    """A row of another tenant was about to be written."""


@event.listens_for(Rows, "instrument_class", propagate=True)
def _mark_tenant_owned(mapper: Any, cls: type) -> None:
    table = mapper.local_table
    if issubclass(cls, TenantOwned) and isinstance(table, Table) and TENANT_OWNED not in table.info:
        table.info[TENANT_OWNED] = True
        # with the key, so that SQLite looks up many ids of a tenant one by one instead of reading all that the tenant has
        if not table.c.tenant_id.primary_key:
            Index(f"ix_{table.name}_tenant_id", table.c.tenant_id, *table.primary_key)


def tenant_tables(metadata: MetaData) -> Iterable[Table]:
    return (table for table in metadata.sorted_tables if table.info.get(TENANT_OWNED))


@event.listens_for(Session, "do_orm_execute")
def _scope_to_tenant(state: ORMExecuteState) -> None:
    if state.session.info.get("read_only") and (state.is_insert or state.is_update or state.is_delete):
        raise ReadOnlyUnit("open the unit for writing")
    if state.session.info.get("scope") == "box" or state.session.info.get("orm_guard") == "off":
        return
    mappers = list(state.all_mappers)
    if not mappers:
        _check_no_bare_tenant_table(state.statement)
        return
    if not any(issubclass(mapper.class_, TenantOwned) for mapper in mappers):
        return
    tenant_id = state.session.info.get("tenant_id")
    if tenant_id is None:
        raise NoTenant("open a unit of work for a tenant first")
    if state.is_insert:
        _check_inserted(state, tenant_id)
        return
    state.statement = state.statement.options(_only_of(tenant_id))


@lru_cache(maxsize=1024)
def _only_of(tenant_id: UUID) -> LoaderCriteriaOption:
    return with_loader_criteria(TenantOwned, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)


def _check_no_bare_tenant_table(statement: Any) -> None:
    for element in visitors.iterate(statement):
        if isinstance(element, Table) and element.info.get(TENANT_OWNED):
            raise NoTenant(f"{element.name} is only reached through its mapped class")


def _check_inserted(state: ORMExecuteState, tenant_id: UUID) -> None:
    given: Any = state.parameters
    rows = given if isinstance(given, list | tuple) else [given or {}]
    if not all(row.get("tenant_id") == tenant_id for row in rows):
        raise CrossTenantWrite("bulk inserts name the unit's own tenant_id in every row of parameters")


@event.listens_for(Session, "before_flush")
def _check_written_rows(session: Session, flush: UOWTransaction, instances: object) -> None:
    del flush, instances
    if session.info.get("read_only") and (session.new or session.deleted or any(session.is_modified(row) for row in session.dirty)):
        raise ReadOnlyUnit("open the unit for writing")
    if session.info.get("scope") == "box" or session.info.get("orm_guard") == "off":
        return
    tenant_id = session.info.get("tenant_id")
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, TenantOwned):
            continue
        if getattr(row, "tenant_id", None) is None:
            row.tenant_id = tenant_id  # type: ignore[assignment]  # None is refused just below
        history = inspect(row).attrs.tenant_id.history
        if tenant_id is None or row.tenant_id != tenant_id or (history.deleted and history.deleted[0] not in (None, tenant_id)):
            raise CrossTenantWrite(f"{type(row).__name__} belongs to another tenant")


class Database:
    """One engine per process. `read_only` shares its pool but never takes SQLite's writer turn."""

    def __init__(self, engine: Engine, turns: Turns | None = None) -> None:
        self.engine = engine
        self.turns = turns
        self.read_only = engine.execution_options(read_only=True)
        event.listen(engine, "checkout", lambda *_: metrics.CONNECTIONS.labels().inc())
        event.listen(engine, "checkin", lambda *_: metrics.CONNECTIONS.labels().dec())
        self.is_postgresql = engine.dialect.name == "postgresql"

    def come_first(self) -> None:
        """For the process that people and webhooks wait for: its writers do not queue behind those of the workers."""
        if self.turns:
            self.turns.goes_first = True

    def is_awaited(self) -> bool:
        """Whether one of those waits for the turn that somebody has: to be asked by who writes much, between two things."""
        return self.turns is not None and self.turns.is_awaited()

    def session(self, *, read_only: bool = False) -> Session:
        return Session(self.read_only if read_only else self.engine, expire_on_commit=False, autoflush=True)

    def close(self) -> None:
        self.engine.dispose()


def connect(settings: Settings, database_key: bytes, *, url: str = "") -> Database:
    """Open the configured database; `url` overrides it (the owner's address, for migrations).

    With another box's key connecting raises KeyUnreadable.
    """
    address = make_url(url or settings.database_url)
    if address.get_backend_name() == "sqlite":
        path = address.database or ""
        turns = Turns(Path(path).parent)
        engine = _sqlite_engine(path, database_key, settings.database)
        event.listen(engine, "begin", turns.begin)
        return Database(engine, turns)
    engine = _postgresql_engine(str(address.render_as_string(hide_password=False)), settings.database)
    canary.watch(engine, database_key)
    return Database(engine)


def _sqlite_engine(path: str, key: bytes, settings: DatabaseSettings) -> Engine:
    from sqlcipher3 import dbapi2 as sqlcipher  # noqa: PLC0415 - a native library PostgreSQL boxes need not load

    def dial() -> Any:
        connection = sqlcipher.connect(path, isolation_level=None, check_same_thread=False, timeout=settings.busy_timeout_s)
        connection.execute("PRAGMA cipher_log_level=NONE")  # it writes to stderr what the exception says anyway
        connection.execute(_raw_key(key))
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except sqlcipher.DatabaseError as err:
            connection.close()
            if _NOT_A_DATABASE in str(err):
                raise crypto.KeyUnreadable(_foreign_key(path)) from err
            raise
        return connection

    return create_engine("sqlite://", module=sqlcipher, creator=dial, **_pool(settings))


_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",
)


_NOT_A_DATABASE = "not a database"  # what SQLCipher says of a key that does not fit


def _foreign_key(path: str) -> str:
    why = i18n.gettext("The master key does not open %(path)s: it belongs to another box, or the file is damaged.", path=path)
    what_to_do = i18n.gettext("Restore the key from your emergency copy.")
    return f"{why} {what_to_do}"


@lru_cache(maxsize=4)
def _raw_key(key: bytes) -> str:
    # A raw key skips SQLCipher's key derivation: 0.5 s a connection.
    return f"PRAGMA key = \"x'{key.hex()}'\""


def _postgresql_engine(url: str, settings: DatabaseSettings) -> Engine:
    timeouts = f"-c statement_timeout={settings.statement_timeout_s * 1000} -c lock_timeout=5000 -c timezone=UTC"
    return create_engine(url, connect_args={"options": timeouts, "connect_timeout": 5}, pool_pre_ping=True, **_pool(settings))


def _pool(settings: DatabaseSettings) -> dict[str, Any]:
    from sqlalchemy.pool import QueuePool  # noqa: PLC0415 - named here because SQLite's default for ":memory:" differs

    size = settings.pool_size
    # hide_parameters: an error must not carry what somebody wrote into a log
    return {"poolclass": QueuePool, "pool_size": size, "max_overflow": size, "pool_timeout": 10, "hide_parameters": True}

