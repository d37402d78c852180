"""Two who write at once, an index that is built while others read and write, and what a death leaves."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from sqlalchemy import create_engine, text

from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import Unavailable
from appliance.inference.types import Vectors
from tests.inference.pgvectors import PATIENCE_S, Open, rows_of, until
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
