"""Vectors in PostgreSQL with pgvector. Texts are embedded by the model server, rotated by their owner's secret, and searched here."""

import contextvars
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import structlog
from sqlalchemy import Connection

from appliance.core import guard
from appliance.core.breaker import Breakers
from appliance.core.errors import Conflict, Unavailable, for_operators
from appliance.core.i18n import lazy_gettext as _
from appliance.inference import vector_tables as tables
from appliance.inference import wire
from appliance.inference.errors import IndexMismatch, IndexMissing, VectorsAway
from appliance.inference.rotation import Rotations, Secret, ShareOf
from appliance.inference.types import Allow, Halves, IndexHits, IndexStats, Models, Vectors, VectorStore
from appliance.inference.vector_build import build, look_before, next_version
from appliance.inference.vector_database import AWAY, CONNECT_S, TableGone, VectorDatabase, taking_time
from appliance.inference.vector_tables import Place

APPROXIMATE_ABOVE = 50_000  # rows
AGAIN_ABOVE = 1.5  # times the rows that a graph was last begun with
SEARCHES_AT_ONCE = 8
MOST_WAITING = 64
SEARCH_TIMEOUT_S = 10.0  # as at the model server: words alone still find
SLOW_FAILURE_S = CONNECT_S / 2  # a server that hangs is known after one connection
SEARCH_RESTS_S = 5.0
SEARCH = "search"
log = structlog.get_logger()


T = TypeVar("T")


class PgVectors:
    """`share_of` gives the owner's secret to a namespace, `share_now` asks for it anew; `embedding_model` is who embeds what is added."""

    def __init__(
        self, database: VectorDatabase, models: Models, *, embedding_model: str, share_of: ShareOf, share_now: ShareOf | None = None,
        approximate_above: int = APPROXIMATE_ABOVE,
    ) -> None:
        self._database = database
        self._models = models
        self._model = embedding_model
        self._rotations = Rotations(share_of, share_now or share_of)
        self._approximate_above = approximate_above
        self._searches = Breakers(failures_to_open=1, open_for_s=SEARCH_RESTS_S)
        self._threads: dict[int, ThreadPoolExecutor] = {}
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._lock = threading.Lock()

    def index_add(
        self, namespace: str, ids: Sequence[int], *, texts: Sequence[str] | None = None, vectors: Vectors | Halves | None = None,
        create: bool = False,
    ) -> IndexStats:
        return self._changed("add", namespace, (), ids, self._rows(ids, texts, vectors), create=create)

    def index_remove(self, namespace: str, ids: Sequence[int]) -> IndexStats:
        return self._changed("remove", namespace, ids, (), None)

    def index_replace(
        self, namespace: str, *, remove: Sequence[int], ids: Sequence[int], texts: Sequence[str] | None = None,
        vectors: Vectors | Halves | None = None,
    ) -> IndexStats:
        return self._changed("replace", namespace, remove, ids, self._rows(ids, texts, vectors))

    def index_rebuild(self, namespace: str, batches: Iterator[tuple[Sequence[int], Vectors | Halves]]) -> IndexStats:
        _check_no_open_unit()
        try:
            place = self._built(namespace, batches)
        except TableGone as err:
            raise Unavailable(_("The database of the vectors was emptied meanwhile."), retry_after=SEARCH_RESTS_S) from err
        with suppress(Unavailable, TableGone), self._database.writing() as connection:  # what is left goes with the next build
            tables.lock(connection, namespace)
            now = tables.find(connection, namespace, locked=True)
            tables.drop_others(connection, namespace, kept=now.table_name if now else "")
        return _stats(place)

    def index_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> IndexHits:
        return self.begin_search(namespace, text=text, vector=vector, k=k, allow=allow)()

    def begin_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> Callable[[], IndexHits]:
        _check_no_open_unit()
        secret = self._rotations.secret(namespace)
        if self._searches.is_open(SEARCH) or not self._waiting.acquire(blocking=False):
            return _skipped
        context = contextvars.copy_context()
        embedded = threading.Event()
        under_way = self._pool().submit(context.run, self._searched, embedded, namespace, secret, text, vector, k, allow)
        under_way.add_done_callback(lambda _done: self._waiting.release())
        started = time.monotonic()

        def hits() -> IndexHits:
            _check_no_open_unit()
            try:
                return under_way.result(timeout=max(0.0, started + SEARCH_TIMEOUT_S - time.monotonic()))
            except TimeoutError:
                under_way.cancel()
                if not embedded.is_set():  # the models hang: their thread knows it only much later
                    self._searches.failed(SEARCH)
                return _skipped()

        return hits

    def index_drop(self, namespace: str) -> None:
        """Its owner's key may be gone already. Either side is tried, whatever becomes of the other."""
        _check_no_open_unit()

        def drop() -> None:
            with self._database.writing() as connection:
                tables.lock(connection, namespace)
                tables.find(connection, namespace, locked=True)
                tables.take_out(connection, namespace)
                tables.drop_others(connection, namespace)

        try:
            with wire.measured("DELETE", f"{wire.INDEXES}{namespace}"), suppress(IndexMissing):
                _twice(drop)
        finally:
            self._models.index_drop(namespace)

    def index_namespaces(self) -> list[str]:
        _check_no_open_unit()
        return self._read(tables.namespaces)

    def index_stats(self, namespace: str) -> IndexStats:
        _check_no_open_unit()
        secret = self._rotations.secret(namespace)
        with suppress(IndexMissing):
            return _stats(self._look(namespace, secret, lambda _connection, place: place))
        return IndexStats(namespace, "missing")

    def index_store(self) -> VectorStore:
        _check_no_open_unit()
        try:
            with for_operators():
                server, extension = _twice(partial(self._database.version, self._dim_if_known()))
        except (Unavailable, IndexMissing) as err:
            return VectorStore("pgvector", str(err))
        return VectorStore(f"pgvector {extension}, PostgreSQL {server}")

    def close(self) -> None:
        for pool in self._threads.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._threads.clear()
        self._database.close()

    def _changed(
        self, verb: str, namespace: str, remove: Sequence[int], ids: Sequence[int], rows: Vectors | Halves | None, *, create: bool = False
    ) -> IndexStats:
        _check_no_open_unit()
        secret = self._rotations.secret(namespace)
        rotated = None if rows is None else self._rotations.rotated(secret, rows)
        dim = self._dim() if rotated is None and create else 0 if rotated is None else rotated.shape[1]

        def change() -> tuple[Place, bool]:
            with self._database.writing() as connection:
                place = self._opened(connection, namespace, secret, dim, create=create)
                if rotated is not None and (place.model, place.dim) != (self._model, dim):
                    raise IndexMismatch
                gone = tables.remove(connection, place, [*remove, *ids])
                added = 0 if rotated is None else tables.fill(connection, place.table_name, ids, rotated)
                place = replace(place, version=next_version(place), count=place.count - gone + added)
                grows = rotated is not None and not place.is_approximate and place.count > self._due_above(place)
                if grows:  # noted before it is begun: it may take the server down
                    place = replace(place, tried_at=place.count)
                return tables.put(connection, place), grows

        with wire.measured("POST", f"{wire.INDEXES}{namespace}/{verb}"):
            place, grows = _twice(change)
            if grows:
                self._grow(namespace)
        return _stats(place)

    def _built(self, namespace: str, batches: Iterator[tuple[Sequence[int], Vectors | Halves]]) -> Place:
        secret = self._rotations.secret(namespace)
        before = self._read(partial(look_before, namespace=namespace))

        def rows() -> Iterator[tuple[Sequence[int], Vectors]]:
            some = False
            for ids, vectors in batches:
                if len(ids):
                    some = True
                    yield ids, self._rotations.rotated(secret, vectors)
            if not some:
                yield (), np.empty((0, self._dim()), np.float32)
            _check_no_open_unit()

        return build(
            self._database, _begun(namespace, self._model, 0, secret), before, rows(), approximate_above=self._approximate_above,
            check=partial(self._rotations.check_unchanged, namespace, secret),
        )

    def _opened(self, connection: Connection, namespace: str, secret: Secret, dim: int, *, create: bool) -> Place:
        """Locked until the transaction ends: who else changes it waits. Raises IndexMissing unless `create`, which makes a table alone."""
        if create:
            tables.lock(connection, namespace)
        place = tables.find(connection, namespace, locked=True)
        if place is not None and place.is_there and place.secret_check == secret.check:
            return place
        if not create:
            raise IndexMissing
        if place is not None:
            tables.take_out(connection, namespace)
            tables.drop_others(connection, namespace)
        self._rotations.check_unchanged(namespace, secret)
        begun = _begun(namespace, self._model, dim, secret)
        tables.make(connection, begun.table_name, dim)
        return begun

    def _due_above(self, place: Place) -> float:
        return max(self._approximate_above, AGAIN_ABOVE * place.tried_at)

    def _grow(self, namespace: str) -> None:
        """Searches go on meanwhile; until it is done, and where it fails, they look at every row."""
        try:
            with self._database.writing() as connection, taking_time(connection):
                place = tables.find(connection, namespace, locked=True)
                if place is not None and place.is_there and not place.is_approximate:
                    tables.build_graph(connection, place.table_name, place.dim)
                    tables.put(connection, replace(place, is_approximate=True))
        except (Unavailable, TableGone) as err:
            log.warning("vectors_stay_exact", error=type(err).__name__)

    def _searched(
        self, embedded: threading.Event, namespace: str, secret: Secret, text: str | None, vector: Vectors | None, k: int,
        allow: Allow | None,
    ) -> IndexHits:
        """A text is embedded by whoever embedded the index, which is known when it is met."""
        model = self._model if text is not None else ""
        with wire.measured("POST", f"{wire.INDEXES}{namespace}/search"), self._telling():
            for _attempt in range(2):
                row = vector if text is None else self._models.embed([text], purpose="query", model=model)[0]
                embedded.set()
                rotated = self._rotations.rotated(secret, np.asarray(row)[None, :])[0]
                found = self._look(namespace, secret, partial(_hits, model=model, row=rotated, k=k, allow=allow))
                if isinstance(found, IndexHits):
                    return found
                model = found
        raise IndexMismatch

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Only long silence makes all other searches rest: a server that says no is there, and who is told at once loses nothing."""
        started, is_silent = time.monotonic(), False
        try:
            yield
        except Unavailable as err:
            is_silent = time.monotonic() - started > SLOW_FAILURE_S and not _is_answer(err)
            raise
        finally:
            (self._searches.failed if is_silent else self._searches.succeeded)(SEARCH)

    def _read(self, use: Callable[[Connection], T]) -> T:
        def once() -> T:
            with self._database.reading() as connection:
                return use(connection)

        return _twice(once)

    def _look(self, namespace: str, secret: Secret, use: Callable[[Connection, Place], T]) -> T:
        """Raises IndexMissing, also for one of another secret."""

        def look(connection: Connection) -> T:
            place = tables.find(connection, namespace)
            if place is None or place.secret_check != secret.check:
                raise IndexMissing
            if not place.is_there:
                raise TableGone
            return use(connection, place)

        return self._read(look)

    def _rows(self, ids: Sequence[int], texts: Sequence[str] | None, vectors: Vectors | Halves | None) -> Vectors | Halves | None:
        """None where nothing is to be added."""
        _check_no_open_unit()
        if not len(ids):
            return None
        return vectors if vectors is not None else self._models.embed(list(texts or ()), model=self._model)

    def _dim_if_known(self) -> int:
        """1 while nobody embeds: that is told elsewhere."""
        with suppress(Unavailable, Conflict):
            return self._dim()
        return 1

    def _dim(self) -> int:
        return int(self._models.embed(["."], model=self._model).shape[1])

    def _pool(self) -> ThreadPoolExecutor:
        """A forked child gets threads of its own."""
        with self._lock:
            found = self._threads.get(os.getpid())
            if found is None:
                found = self._threads[os.getpid()] = ThreadPoolExecutor(SEARCHES_AT_ONCE, thread_name_prefix="vectors")
            return found


def _begun(namespace: str, model: str, dim: int, secret: Secret) -> Place:
    return Place(namespace, 0, tables.fresh_name(namespace), 0, model, dim, is_approximate=False, secret_check=secret.check)


def _hits(connection: Connection, place: Place, *, model: str, row: Vectors, k: int, allow: Allow | None) -> IndexHits | str:
    """The name of its model where that is another one."""
    if model and place.model != model:
        return place.model
    if len(row) != place.dim:
        raise IndexMismatch
    return IndexHits(*tables.search(connection, place, row, k, allow), place.version, place.database)


def _twice(job: Callable[[], T]) -> T:
    """What was built anew meanwhile is there the second time."""
    try:
        return job()
    except TableGone:
        try:
            return job()
        except TableGone as err:
            raise IndexMissing from err


def _skipped() -> IndexHits:
    raise VectorsAway(_("The database of the vectors is too slow."), retry_after=SEARCH_RESTS_S)


def _is_answer(err: Unavailable) -> bool:
    """Of the server itself, such as a time-out of its own."""
    state = getattr(getattr(err.__cause__, "orig", err.__cause__), "sqlstate", None)
    return bool(state) and not str(state).startswith(AWAY)


def _stats(place: Place) -> IndexStats:
    return IndexStats(place.namespace, "ready", place.version, place.count, place.model, place.dim, place.database)


def _check_no_open_unit() -> None:
    guard.check_no_open_unit("inference")
