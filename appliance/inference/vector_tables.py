"""A table for each index: no search ever meets the rows of another. `vector_indexes` says which table answers for a namespace."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector
from pgvector.psycopg.halfvec import register_halfvec_info
from pgvector.sqlalchemy import HALFVEC
from psycopg import sql
from psycopg.types import TypeInfo
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    delete,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, insert
from sqlalchemy.schema import DropTable
from sqlalchemy.sql import ColumnElement, Select

from appliance.core.i18n import lazy_gettext as _
from appliance.inference.errors import VectorsAway
from appliance.inference.types import Allow, Vectors

SCHEMA = "salesedge"
MOST_NUMBERS = 4000  # of a vector: more go neither on one page nor into a graph
FEW = 0.1  # of all rows: then each of them is looked at, which no graph beats
PIECE = 200  # rows
LEAST_LOOKED = 200
MOST_LOOKED = 1000  # that the server takes
WALKED = 2  # times the rows among which k allowed ones would be, were they spread evenly
INDEXES = Table(
    "vector_indexes",
    MetaData(schema=SCHEMA),
    Column("namespace", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("table_name", String, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("model", String, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("is_approximate", Boolean, nullable=False),
    Column("secret_check", String, nullable=False),
    Column("tried_at", BigInteger, nullable=False),
)
DATABASE = Table(  # one row
    "vector_database", INDEXES.metadata, Column("id", String, primary_key=True), Column("owner", String, nullable=False),
)
_WHERE = func.coalesce(select(DATABASE.c.id).scalar_subquery(), "").label("database")
Bounds = npt.NDArray[np.int64]
_EVERY = np.array([-(2**63)], np.int64), np.array([2**63 - 1], np.int64)


@dataclass(frozen=True)
class Place:
    """Where an index lies. `tried_at`: how many rows it had when a graph was last begun. `is_there`: its table is.

    `database`: the name this one gave itself when it was made.
    """

    namespace: str
    version: int
    table_name: str
    count: int
    model: str
    dim: int
    is_approximate: bool
    secret_check: str
    tried_at: int = 0
    is_there: bool = True
    database: str = ""


def find(connection: Connection, namespace: str, *, locked: bool = False) -> Place | None:
    is_there = func.to_regclass(literal(f"{SCHEMA}.") + INDEXES.c.table_name).is_not(None).label("is_there")
    wanted = select(INDEXES, is_there, _WHERE).where(INDEXES.c.namespace == namespace)
    row = connection.execute(wanted.with_for_update() if locked else wanted).mappings().one_or_none()
    return None if row is None else Place(**row)


def lock(connection: Connection, namespace: str) -> None:
    """Who makes, switches or drops an index, also where the registry has no row yet. Taken before that row's lock, until the end."""
    connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(sha256(namespace.encode()).digest()[:8], signed=True))))


def namespaces(connection: Connection) -> list[str]:
    return list(connection.scalars(select(INDEXES.c.namespace).order_by(INDEXES.c.namespace)))


def put(connection: Connection, place: Place) -> Place:
    """What the registry says from now on."""
    said = {column.name: getattr(place, column.name) for column in INDEXES.columns}
    stored = insert(INDEXES).values(said).on_conflict_do_update(index_elements=[INDEXES.c.namespace], set_=said)
    return replace(place, database=connection.scalar(stored.returning(_WHERE)) or "")


def take_out(connection: Connection, namespace: str) -> None:
    connection.execute(delete(INDEXES).where(INDEXES.c.namespace == namespace))


def fresh_name(namespace: str) -> str:
    return _prefix(namespace) + secrets.token_hex(4)


def _prefix(namespace: str) -> str:
    return f"v_{sha256(namespace.encode()).hexdigest()[:32]}_"


def drop_others(connection: Connection, namespace: str, kept: str = "") -> None:
    """Tables of this namespace that answer no more. One that is being built cannot be seen yet."""
    tables = Table("pg_tables", MetaData(schema="pg_catalog"), Column("schemaname", String), Column("tablename", String))
    theirs = tables.c.tablename.startswith(_prefix(namespace), autoescape=True)
    wanted = select(tables.c.tablename).where(tables.c.schemaname == SCHEMA, theirs, tables.c.tablename != kept)
    for name in connection.scalars(wanted).all():
        connection.execute(DropTable(Table(name, MetaData(schema=SCHEMA)), if_exists=True))


@lru_cache(maxsize=256)  # SQLAlchemy keeps what it made of a statement by its table
def table_of(name: str, dim: int) -> Table:
    columns = Column("id", BigInteger, primary_key=True, autoincrement=False), Column("embedding", HALFVEC(dim), nullable=False)
    return Table(name, MetaData(schema=SCHEMA), *columns)


def make(connection: Connection, name: str, dim: int) -> None:
    """Raises VectorsAway where such vectors are too long."""
    if dim > MOST_NUMBERS:
        said = _("Vectors of %(dim)s numbers do not fit into PostgreSQL: take an embedding model of at most %(most)s.",
                 dim=dim, most=MOST_NUMBERS)  # fmt: skip
        raise VectorsAway(said)
    table = table_of(name, dim)
    table.create(connection, checkfirst=False)
    # Long vectors would be laid elsewhere, and fetched one by one.
    plain = sql.SQL("ALTER TABLE {} ALTER COLUMN embedding SET STORAGE PLAIN").format(sql.Identifier(SCHEMA, name))
    driver: Any = connection.connection.driver_connection
    driver.execute(plain)


def build_graph(connection: Connection, name: str, dim: int) -> None:
    """HNSW (Malkov and Yashunin 2018), with pgvector's own defaults."""
    table = table_of.__wrapped__(name, dim)  # an index stays with the table it was told of
    ops = {"embedding": "halfvec_cosine_ops"}
    Index(f"{name}_graph", table.c.embedding, postgresql_using="hnsw", postgresql_ops=ops).create(connection)


def fill(connection: Connection, name: str, ids: Sequence[int], rows: Vectors) -> int:
    """Of an id that is named twice the last row counts. How many rows there are now more.

    In pieces: each has the server's whole time-out, and to find a row its place in a graph takes it milliseconds.
    """
    last = {int(one): row for one, row in zip(ids, rows, strict=True)}
    driver: Any = connection.connection.driver_connection
    info = TypeInfo.fetch(driver, "halfvec")
    assert info is not None
    register_halfvec_info(driver, info)
    into = sql.SQL("COPY {} (id, embedding) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(SCHEMA, name))
    rest = iter(last.items())
    while piece := list(islice(rest, PIECE)):
        with driver.cursor() as cursor, cursor.copy(into) as copy:
            copy.set_types(["int8", "halfvec"])
            for one, row in piece:
                copy.write_row((one, HalfVector(row)))
    return len(last)


def remove(connection: Connection, place: Place, ids: Sequence[int]) -> int:
    if not len(ids):
        return 0
    table = table_of(place.table_name, place.dim)
    gone = cast([int(one) for one in ids], ARRAY(BigInteger))
    return connection.execute(delete(table).where(table.c.id == func.any(gone))).rowcount


def ids_of(connection: Connection, place: Place) -> Bounds:
    return np.fromiter(connection.scalars(select(table_of(place.table_name, place.dim).c.id)), np.int64)


def copy(connection: Connection, source: Place, into: Place, ids: Sequence[int]) -> int:
    """How many rows there are now more: one that is there stays. In pieces, as in `fill`."""
    old, new = table_of(source.table_name, source.dim), table_of(into.table_name, into.dim)
    come = 0
    for start in range(0, len(ids), PIECE):
        piece = cast(list(ids[start : start + PIECE]), ARRAY(BigInteger))
        rows = select(old.c.id, old.c.embedding).where(old.c.id == func.any(piece))
        copied = insert(new).from_select(["id", "embedding"], rows).on_conflict_do_nothing()
        come += connection.execute(copied, execution_options={"preserve_rowcount": True}).rowcount
    return come


def search(connection: Connection, place: Place, row: Vectors, k: int, allow: Allow | None) -> tuple[Bounds, Vectors]:
    """Ids and cosines, best first."""
    low, high = _EVERY if allow is None else _merged(allow)
    allowed = place.count if allow is None else int((high - low + 1).sum())
    if not min(k, allowed, place.count):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if allow is not None and allowed < FEW * place.count:
        return _each_of(connection, place, row, k, low, high)
    table = table_of(place.table_name, place.dim)
    distance: ColumnElement[float] = table.c.embedding.cosine_distance(row).label("distance")
    wanted = select(table.c.id, distance).order_by(distance).limit(k)
    if allow is not None:
        wanted = wanted.where(_within(table.c.id, low, high))
    if not place.is_approximate:
        return _read(connection, wanted, {})
    found = _read(connection, wanted, _along_the_graph(k, min(1.0, allowed / place.count)))
    return found if len(found[0]) >= min(k, allowed, place.count) else _each_of(connection, place, row, k, low, high)


def _along_the_graph(k: int, share: float) -> dict[str, str]:
    """The planner does not know that a graph is there to be used, and one look at it may not find enough that is allowed.

    Where what is allowed lies far from the question, a long walk misses much: looking at each row takes less, and misses nothing.
    """
    looked = min(MOST_LOOKED, max(LEAST_LOOKED, 2 * k))
    return {
        "enable_seqscan": "off", "enable_sort": "off", "hnsw.ef_search": str(looked), "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": str(round(WALKED * k / share)),
    }


def _each_of(connection: Connection, place: Place, row: Vectors, k: int, low: Bounds, high: Bounds) -> tuple[Bounds, Vectors]:
    return _read(connection, _of_few(place, row, low, high).limit(k), {"enable_seqscan": "off", "enable_sort": "on"})


def _read(connection: Connection, wanted: Select[Any], settings: dict[str, str]) -> tuple[Bounds, Vectors]:
    if settings:
        connection.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))
    found = connection.execute(wanted).all()
    ids = np.array([one for one, _ in found], np.int64)
    scores = np.nan_to_num(1 - np.array([far for _, far in found], np.float64)).astype(np.float32)  # a vector of nothing is near nothing
    best = np.lexsort((ids, -scores))
    return ids[best], scores[best]


def _of_few(place: Place, row: Vectors, low: Bounds, high: Bounds) -> Select[Any]:
    """Each stretch of numbers by the table's key. OFFSET keeps the planner from going along the graph instead."""
    table = table_of(place.table_name, place.dim)
    ends = (cast(one.tolist(), ARRAY(BigInteger)) for one in (low, high))
    stretch = func.unnest(*ends).table_valued("low", "high", name="stretch").render_derived()
    distance = table.c.embedding.cosine_distance(row).label("distance")
    within = select(table.c.id, distance).where(table.c.id.between(stretch.c.low, stretch.c.high)).offset(0).lateral("within")
    return select(within.c.id, within.c.distance).select_from(stretch.join(within, true())).order_by(within.c.distance)


def _within(number: ColumnElement[int], low: Bounds, high: Bounds) -> ColumnElement[bool]:
    if len(low) == 1:
        return number.between(int(low[0]), int(high[0]))
    stretches = ",".join(f"[{first},{last}]" for first, last in zip(low.tolist(), high.tolist(), strict=True))
    return number.op("<@")(cast(f"{{{stretches}}}", INT8MULTIRANGE))


def _merged(allow: Allow) -> tuple[Bounds, Bounds]:
    """First and last of each stretch of numbers that is allowed, in order, none touching the next."""
    single = np.array(allow.ids, np.int64).reshape(-1, 1).repeat(2, axis=1)
    bounds = np.concatenate([np.array(allow.ranges, np.int64).reshape(-1, 2), single])
    bounds = bounds[bounds[:, 0] <= bounds[:, 1]]
    bounds = bounds[np.argsort(bounds[:, 0], kind="stable")]
    reached = np.maximum.accumulate(bounds[:, 1])
    begins = np.concatenate([np.ones(min(1, len(bounds)), bool), bounds[1:, 0] > reached[:-1] + 1])
    ends = np.concatenate([begins[1:], np.ones(min(1, len(bounds)), bool)])
    return bounds[begins, 0], reached[ends]
