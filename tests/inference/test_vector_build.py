"""Two who write at once, an index that is built while others read and write, and what a death leaves."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Connection, create_engine, text

from appliance.core import clock
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import Unavailable
from appliance.inference import vector_database, vector_tables
from appliance.inference.types import Vectors
from tests.inference.pgvectors import PATIENCE_S, Open, asked, rows_of, until
from tests.peers.postgres_vectors import PostgresVectors


def test_two_who_write_at_once_both_get_done(connect: Open, space: str) -> None:
    rows = rows_of(400)
    writers = [connect() for _ in range(4)]

    def write(number: int) -> None:
        mine = range(100 * number, 100 * number + 100)
        for start in range(0, 100, 20):
            part = mine[start : start + 20]
            writers[number].index_add(space, part, vectors=rows[part.start : part.stop], create=True)
        writers[number].index_replace(space, remove=mine[:10], ids=mine[10:20], vectors=rows[:10])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert writers[0].index_stats(space).count == 360
    assert len(writers[0].index_search(space, vector=rows[0], k=1000).ids) == 360


def test_readers_go_on_while_an_index_is_built_anew(connect: Open, space: str, server: PostgresVectors, url: str) -> None:
    rows, index, reader, done = rows_of(300), connect(), connect(), threading.Event()
    index.index_add(space, range(300), vectors=rows, create=True)

    def read() -> int:
        seen = 0
        while not done.is_set():
            found = reader.index_search(space, vector=rows[7], k=3)
            assert (len(found.ids), found.ids[0] % 1000) == (3, 7)
            seen += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for turn in range(1, 16):
                index.index_rebuild(space, iter([(range(1000 * turn, 1000 * turn + 300), rows)]))
        finally:
            done.set()
        assert min(one.result() for one in readers) > 0
    assert len(server.tables(url)) == 1


def test_a_reader_whose_table_goes_looks_into_the_new_one(connect: Open, space: str, server: PostgresVectors, url: str) -> None:
    rows, index, reader = rows_of(300), connect(), connect()
    index.index_add(space, range(300), vectors=rows, create=True)
    reader.index_search(space, vector=rows[7], k=3)
    (old,) = server.tables(url)
    engine = create_engine(url)
    begun, go_on = threading.Event(), threading.Event()

    def batches() -> Iterator[tuple[range, Vectors]]:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        yield range(1000, 1300), rows

    with ThreadPoolExecutor(1) as pool, engine.connect() as watch, engine.connect() as connection:
        built = pool.submit(index.index_rebuild, space, batches())
        assert begun.wait(PATIENCE_S)
        with connection.begin():
            connection.execute(text(f'LOCK TABLE salesedge."{old}" IN ACCESS EXCLUSIVE MODE'))
            hits = reader.begin_search(space, vector=rows[7], k=3)
            until(lambda: watch.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) == 1)
            go_on.set()
            until(lambda: len(server.tables(url)) == 2)
            connection.execute(text(f'DROP TABLE salesedge."{old}"'))
        assert hits().ids[0] == 1007
        assert built.result().count == 300
    engine.dispose()


def test_a_build_that_is_killed_half_way_leaves_nothing_and_the_old_index(
    connect: Open, space: str, server: PostgresVectors, url: str
) -> None:
    rows = rows_of(300)
    connect().index_add(space, range(3), vectors=rows[:3], create=True)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:

        def batches() -> Iterator[tuple[range, Vectors]]:
            yield range(100, 200), rows[100:200]
            os.write(tell, b"!")
            time.sleep(PATIENCE_S)

        try:
            connect().index_rebuild(space, batches())
        finally:
            os._exit(2)
    os.read(told, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert connect().index_search(space, vector=rows[0], k=9).ids.tolist()[0] == 0
    assert len(server.tables(url)) == 1
    engine = create_engine(url)
    with engine.begin() as connection:  # as one that died between the switch and its clearing up leaves it
        (name,) = server.tables(url)
        connection.execute(text(f'CREATE TABLE salesedge."{name[:-8]}00000000" (id bigint)'))
    engine.dispose()
    assert connect().index_rebuild(space, iter([(range(300), rows)])).count == 300
    assert len(server.tables(url)) == 1


def test_what_changes_while_an_index_is_built_anew_is_taken_over(connect: Open, space: str) -> None:
    rows, index, other = rows_of(300), connect(), connect()
    index.index_add(space, [*range(100), 900], vectors=rows[:101], create=True)  # 900: of no document any more

    def batches() -> Iterator[tuple[range, Vectors]]:
        yield range(60), rows[:60]
        other.index_replace(space, remove=range(20), ids=range(200, 220), vectors=rows[200:220])
        yield range(60, 110), rows[60:110]

    assert index.index_rebuild(space, batches()).count == 110
    found = index.index_search(space, vector=rows[0], k=500).ids.tolist()
    assert sorted(found) == [*range(20, 110), *range(200, 220)]


def test_an_index_that_is_begun_while_it_is_built_is_taken_over(connect: Open, space: str) -> None:
    rows, index, other = rows_of(300), connect(), connect()

    def batches() -> Iterator[tuple[range, Vectors]]:
        yield range(10), rows[:10]
        other.index_add(space, [20], vectors=rows[20:21], create=True)

    assert index.index_rebuild(space, batches()).count == 11
    assert index.index_search(space, vector=rows[20], k=1).ids.tolist() == [20]


def test_what_changes_in_an_index_of_another_model_while_it_is_built_makes_another_round(connect: Open, space: str) -> None:
    rows, index, other = rows_of(300), connect(model="newer"), connect(model="older")
    other.index_add(space, range(10), vectors=rows[:10], create=True)

    def batches() -> Iterator[tuple[range, Vectors]]:
        yield range(10), rows[:10]
        other.index_remove(space, [3])

    with pytest.raises(Unavailable, match="built again"):
        index.index_rebuild(space, batches())
    assert index.index_rebuild(space, iter([(range(10), rows[:10])])).model == "newer"


def test_whoever_is_erased_meanwhile_gets_no_index_back(
    connect: Open, space: str, server: PostgresVectors, url: str
) -> None:
    rows, other, gone = rows_of(20), connect(), False

    def share_now(name: str) -> bytes:
        if gone:
            raise KeyUnreadable("destroyed")
        return sha256(name.encode()).digest()

    def batches() -> Iterator[tuple[range, Vectors]]:
        nonlocal gone
        yield range(10), rows[:10]
        gone = True
        other.index_drop(space)

    index = connect(share_now=share_now)
    index.index_add(space, range(10), vectors=rows[:10], create=True)
    with pytest.raises(KeyUnreadable):
        index.index_rebuild(space, batches())
    with pytest.raises(KeyUnreadable):
        index.index_add(space, range(10), vectors=rows[:10], create=True)
    assert server.tables(url) == []
    assert other.index_namespaces() == []


def test_a_build_whose_key_was_changed_meanwhile_is_not_kept(connect: Open, space: str) -> None:
    index, rows = connect(share_now=lambda name: sha256(b"newer" + name.encode()).digest()), rows_of(10)
    for call in (lambda: index.index_rebuild(space, iter([(range(10), rows)])),
                 lambda: index.index_add(space, range(10), vectors=rows, create=True)):  # fmt: skip
        with pytest.raises(Unavailable, match="key of these vectors was changed"):
            call()
    assert index.index_namespaces() == []


def test_an_index_that_was_made_anew_under_another_secret_is_not_taken_over(connect: Open, space: str) -> None:
    rows, index, other = rows_of(20), connect(), connect(secret=b"another")
    index.index_add(space, range(10), vectors=rows[:10], create=True)

    def batches() -> Iterator[tuple[range, Vectors]]:
        yield range(10), rows[:10]
        other.index_add(space, range(10, 20), vectors=rows[10:], create=True)

    with pytest.raises(Unavailable, match="built again"):
        index.index_rebuild(space, batches())
    assert sorted(other.index_search(space, vector=rows[0], k=30).ids.tolist()) == [*range(10, 20)]


def test_versions_grow_though_the_clock_is_put_back(connect: Open, space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index, rows = connect(), rows_of(3)
    versions = [index.index_add(space, [1], vectors=rows[:1], create=True).version]
    before = clock.now() - timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: before)
    versions.append(index.index_add(space, [2], vectors=rows[1:2]).version)
    versions.append(index.index_rebuild(space, iter([(range(3), rows)])).version)
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]


def test_what_is_read_is_of_one_moment(connect: Open, space: str) -> None:
    index, rows = connect(), rows_of(2)
    index.index_add(space, [1], vectors=rows[:1], create=True)
    with index._database.reading() as connection:
        before = vector_tables.find(connection, space)
        connect().index_add(space, [2], vectors=rows[1:])
        assert before is not None
        assert vector_tables.find(connection, space) == before
        assert vector_tables.ids_of(connection, before).tolist() == [1]


def test_a_graph_that_does_not_come_in_time_leaves_an_index_that_looks_at_every_row(
    connect: Open, space: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def building(connection: Connection, *_args: object) -> None:
        connection.execute(text("SELECT pg_sleep(60)"))

    monkeypatch.setattr(vector_tables, "build_graph", building)
    monkeypatch.setattr(vector_database, "BUILD_S", 1)
    index, rows = connect(approximate_above=100), rows_of(150)

    def batches() -> Iterator[tuple[range, Vectors]]:
        yield range(149), rows[:149]
        connect().index_add(space, [149], vectors=rows[149:], create=True)

    assert index.index_rebuild(space, batches()).count == 150
    assert not asked(url, "SELECT is_approximate FROM salesedge.vector_indexes")
    assert len(index.index_search(space, vector=rows[0], k=200).ids) == 150


def test_a_connection_that_breaks_while_the_graph_is_built_changes_nothing(
    connect: Open, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def building(connection: Connection, *_args: object) -> None:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(vector_tables, "build_graph", building)
    index, rows = connect(approximate_above=100), rows_of(150)
    index.index_add(space, [1], vectors=rows[:1], create=True)
    with pytest.raises(Unavailable):
        index.index_rebuild(space, iter([(range(150), rows)]))
    assert index.index_stats(space).count == 1


def test_a_server_that_hangs_at_the_switch_is_left_within_the_patience_of_a_statement(
    connect: Open, space: str, server: PostgresVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_database, "BUILD_S", 2 * PATIENCE_S)

    def share_now(name: str) -> bytes:
        server.signal(signal.SIGSTOP)
        return sha256(name.encode()).digest()

    index, started = connect(share_now=share_now), time.monotonic()
    try:
        with pytest.raises(Unavailable):
            index.index_rebuild(space, iter([(range(10), rows_of(10))]))
        assert time.monotonic() - started < PATIENCE_S
    finally:
        server.signal(signal.SIGCONT)


def test_a_graph_may_take_longer_than_a_statement(connect: Open, space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, float]] = []

    def building(connection: Connection, name: str, dim: int) -> None:
        driver = connection.connection.driver_connection
        seen.append((connection.scalar(text("SHOW statement_timeout")), driver.patience_s))  # type: ignore[arg-type, union-attr]
        build_graph(connection, name, dim)

    build_graph = vector_tables.build_graph
    monkeypatch.setattr(vector_tables, "build_graph", building)
    index, rows = connect(approximate_above=100), rows_of(101)
    index.index_add(space, range(101), vectors=rows, create=True)
    index.index_rebuild(space, iter([(range(101), rows)]))
    assert seen == [(f"{vector_database.BUILD_S // 60}min", vector_database.BUILD_S + vector_database.GRACE_S)] * 2
    with index._database.writing() as connection:
        with vector_database.taking_time(connection):
            pass
        driver = connection.connection.driver_connection
        assert isinstance(driver, vector_database.Patient)
        set_back = [connection.scalar(text(f"SHOW {name}_timeout")) for name in ("statement", "lock")], driver.patience_s
    assert set_back == (["10s", "5s"], vector_database.Patient.patience_s)


def test_a_graph_that_was_not_built_is_tried_again_when_the_index_has_grown_by_a_half(
    connect: Open, space: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, rows, tried = connect(approximate_above=100), rows_of(200), 0

    def too_slow(connection: Connection, *_args: object) -> None:
        nonlocal tried
        tried += 1
        connection.execute(text("SET LOCAL statement_timeout = 1"))
        connection.execute(text("SELECT pg_sleep(60)"))

    with monkeypatch.context() as patched:
        patched.setattr(vector_tables, "build_graph", too_slow)
        index.index_add(space, range(110), vectors=rows[:110], create=True)
        index.index_add(space, [*range(108, 120)], vectors=rows[108:120])
        index.index_replace(space, remove=[1], ids=[1], vectors=rows[1:2])
        assert tried == 1
        index.index_rebuild(space, iter([(range(120), rows[:120])]))
        index.index_add(space, range(120, 180), vectors=rows[120:180])
        assert (tried, index.index_stats(space).count) == (2, 180)
        assert len(index.index_search(space, vector=rows[0], k=150).ids) == 150
    index.index_remove(space, [0])
    assert not asked(url, "SELECT is_approximate FROM salesedge.vector_indexes")
    index.index_add(space, [0, 180, 181], vectors=rows[:3])
    assert asked(url, "SELECT is_approximate FROM salesedge.vector_indexes")


def test_what_is_removed_begins_no_graph(connect: Open, space: str, url: str) -> None:
    connect().index_add(space, range(200), vectors=rows_of(200), create=True)
    connect(approximate_above=100).index_remove(space, [1])
    assert not asked(url, "SELECT is_approximate FROM salesedge.vector_indexes")
