"""A new version of an index, in a table beside the one that answers. Nobody sees it before the switch; killed, nothing of it stays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from appliance.core import clock
from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.inference import vector_tables as tables
from appliance.inference.errors import IndexMismatch
from appliance.inference.types import Vectors
from appliance.inference.vector_database import RESTART_S, VectorDatabase, taking_time
from appliance.inference.vector_tables import Bounds, Place

log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class Before:
    """The index that answers while another is built: whatever is in it is in the database of the box, or was."""

    version: int
    ids: Bounds


def look_before(connection: Connection, namespace: str) -> Before:
    """Before the first row is read: what changes from now on is taken over at the switch."""
    place = tables.find(connection, namespace)
    if place is None:
        return Before(0, np.empty(0, np.int64))
    return Before(place.version, tables.ids_of(connection, place) if place.is_there else np.empty(0, np.int64))


def build(
    database: VectorDatabase, begun: Place, before: Before, batches: Iterator[tuple[Sequence[int], Vectors]], *, approximate_above: int,
    check: Callable[[], None],
) -> Place:
    """One transaction from the first row to the switch; the server's own clean-up is what takes back one that broke off.

    `begun` without a count, and without dimensions until the first row is there. `check` is called where nobody else can switch or drop.
    Raises IndexMismatch, TableGone, Unavailable, and what `batches` and `check` raise.
    """
    place = begun
    with database.connected() as connection:
        with database.translated():
            transaction = connection.begin()
            connection.execute(select(func.set_config("idle_in_transaction_session_timeout", "0", True)))
        for ids, rows in batches:
            with database.translated():
                if place.dim == 0:
                    place = replace(place, dim=rows.shape[1])
                    tables.make(connection, place.table_name, place.dim)
                if rows.shape[1] != place.dim:
                    raise IndexMismatch
                place = replace(place, count=place.count + tables.fill(connection, place.table_name, ids, rows))
        with database.translated(), taking_time(connection):
            if place.count > approximate_above:
                place = _with_graph(connection, place)
            tables.lock(connection, place.namespace)
            now = tables.find(connection, place.namespace, locked=True)
        check()
        with database.translated(), transaction:
            if now is not None and now.version != before.version:
                place = _taken_over(connection, place, now, before)
            place = replace(place, version=next_version(now))
            place = tables.put(connection, place)
    return place


def _with_graph(connection: Connection, place: Place) -> Place:
    """One that takes too long, or has no room, costs the graph and not the index: each search then looks at every row."""
    try:
        with connection.begin_nested():
            tables.build_graph(connection, place.table_name, place.dim)
    except DBAPIError as err:
        log.warning("vectors_stay_exact", error=type(err.orig).__name__)
        return replace(place, tried_at=place.count)
    return replace(place, is_approximate=True)


def _taken_over(connection: Connection, place: Place, now: Place, before: Before) -> Place:
    """What was added and removed since the build began."""
    if not now.is_there or (now.model, now.dim, now.secret_check) != (place.model, place.dim, place.secret_check):
        raise Unavailable(_("These vectors changed while their index was built. It is built again."), retry_after=RESTART_S)
    ids = tables.ids_of(connection, now)
    gone = tables.remove(connection, place, np.setdiff1d(before.ids, ids).tolist())
    come = tables.copy(connection, now, place, np.setdiff1d(ids, before.ids).tolist())
    return replace(place, count=place.count - gone + come)


def next_version(before: Place | None) -> int:
    """Milliseconds that only grow: one that was lost and built anew never shows an old version again."""
    now = int(clock.now().timestamp() * 1000)
    return now if before is None else max(before.version + 1, now)
