"""A new version of an index, in a table beside the one that answers. Nobody sees it before the switch; killed, nothing of it stays."""

from collections.abc import Sequence
from contextlib import suppress

import psycopg
from sqlalchemy import Connection, RootTransaction, func, select
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import clock
from appliance.core.i18n import lazy_gettext as _
from appliance.inference import vector_tables as tables
from appliance.inference.errors import IndexMismatch
from appliance.inference.turning import Secret
from appliance.inference.types import Vectors
from appliance.inference.vector_database import TableGone, VectorDatabase, take_time
from appliance.inference.vector_tables import Place


class Build:
    """One transaction from the first row to the switch; the server's own clean-up is what takes back one that broke off."""

    def __init__(self, database: VectorDatabase, namespace: str, model: str, approximate_above: int) -> None:
        self._database = database
        self._namespace = namespace
        self._model = model
        self._approximate_above = approximate_above
        self._name = tables.fresh_name(namespace)
        self._open: tuple[Connection, RootTransaction] | None = None
        self._count = 0
        self.dim = 0

    def begin(self, dim: int) -> None:
        """Raises Unavailable."""
        try:
            self._begin(dim)
        except TableGone:  # somebody emptied the database: the next connection makes what it lacks
            self.close()
            self._begin(dim)

    def _begin(self, dim: int) -> None:
        connection = self._database.connected()
        self._open, self.dim = (connection, connection.begin()), dim
        with self._database.translated():
            connection.execute(select(func.set_config("idle_in_transaction_session_timeout", "0", True)))
            tables.make(connection, self._name, dim)

    def add(self, ids: Sequence[int], rows: Vectors) -> None:
        """Raises IndexMismatch, Unavailable."""
        if self._open is None:
            self.begin(rows.shape[1])
        if rows.shape[1] != self.dim:
            raise IndexMismatch(_("These vectors come from another model."))
        with self._database.translated():
            self._count += tables.fill(self._connection, self._name, ids, rows)

    def switch(self, secret: Secret) -> Place:
        """Raises Unavailable."""
        assert self._open is not None
        connection, transaction = self._open
        is_large = self._count > self._approximate_above
        with self._database.translated(), transaction:
            take_time(connection)
            if is_large:
                tables.build_graph(connection, self._name, self.dim)
            before = tables.find(connection, self._namespace, locked=True)
            version = next_version(before)
            place = Place(self._namespace, version, self._name, self._count, self._model, self.dim, is_large, secret.check)
            tables.put(connection, place)
        return place

    def close(self) -> None:
        if self._open is not None:
            with suppress(SQLAlchemyError, psycopg.Error):
                self._open[0].close()

    @property
    def _connection(self) -> Connection:
        assert self._open is not None
        return self._open[0]


def next_version(before: Place | None) -> int:
    """Milliseconds that only grow: one that was lost and built anew never shows an old version again."""
    now = int(clock.now().timestamp() * 1000)
    return now if before is None else max(before.version + 1, now)
