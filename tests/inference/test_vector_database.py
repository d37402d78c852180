"""The database that vectors lie in: away, hung, emptied, unfit, or named wrongly."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from psycopg.errors import AdminShutdown, ConnectionFailure, DiskFull, LockNotAvailable, OperationalError, QueryCanceled
from pydantic import ValidationError
from sqlalchemy import text

from appliance.core import i18n
from appliance.core.config import KnowledgeSettings, NetworkSettings, Settings
from appliance.core.errors import Unavailable
from appliance.inference.errors import IndexMissing
from appliance.inference.fake import FakeInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.types import Vectors
from appliance.inference.vector_database import VectorDatabase
from tests.peers.postgres_vectors import PostgresVectors, postgres_vectors

TEXTS = ("the invoice is due on friday", "the cat sleeps")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresVectors]:
    with postgres_vectors() as running:
        yield running


@pytest.fixture
def url(server: PostgresVectors) -> str:
    return server.new_database()


def connect(url: str, **more: Any) -> PgVectors:
    return PgVectors(url, FakeInference(), embedding_model="fake", share_of=lambda name: sha256(name.encode()).digest(), **more)


@pytest.fixture
def index(url: str) -> Iterator[PgVectors]:
    found = connect(url)
    yield found
    found.close()


@pytest.fixture
def space() -> str:
    return f"t-{uuid4().hex}:knowledge"


def reason_of(url: str) -> str:
    index = connect(url)
    try:
        return index.index_store().reason
    finally:
        index.close()


def test_a_server_that_is_killed_is_unavailable_and_has_all_that_was_answered_once_it_is_back(
    index: PgVectors, space: str, server: PostgresVectors
) -> None:
    index.index_add(space, [1, 2], texts=TEXTS, create=True)
    server.kill()
    try:
        rows = FakeInference().embed(TEXTS)
        for call in (
            lambda: index.index_search(space, text="x"), lambda: index.index_stats(space), lambda: index.index_drop(space),
            lambda: index.index_add(space, [3], texts=["x"]), lambda: index.index_rebuild(space, iter([([1, 2], rows)])),
        ):
            with pytest.raises(Unavailable, match="does not answer") as caught:
                call()
            assert caught.value.retry_after
        assert index.index_store().reason == "The database of the vectors does not answer."
    finally:
        server.start()
    assert index.index_search(space, text=TEXTS[1], k=1).ids.tolist() == [2]
    assert index.index_add(space, [3], texts=["x"]).count == 3
    assert index.index_store().reason == ""


def test_nobody_waits_for_ever_for_a_server_that_hangs(index: PgVectors, space: str, server: PostgresVectors, url: str) -> None:
    index.index_add(space, [1, 2], texts=TEXTS, create=True)
    with closing(connect(url)) as writer:
        writer.index_add(space, [1, 2], texts=TEXTS)
        server.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(Unavailable):
                writer.index_add(space, [3], texts=["x"])
            assert time.monotonic() - started < PATIENCE_S / 2, "also over a line that was open"
            started = time.monotonic()
            with pytest.raises(Unavailable):
                index.index_search(space, text="x")
            with pytest.raises(Unavailable):
                index.index_search(space, text="x")
            assert time.monotonic() - started < 15, "the second does not wait as well"
        finally:
            server.signal(signal.SIGCONT)
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            assert index.index_search(space, text=TEXTS[1], k=1).ids.tolist() == [2]
        except Unavailable:
            assert time.monotonic() < ends
            time.sleep(0.1)
        else:
            break


def test_who_begins_while_the_server_hangs_waits_for_it_once(server: PostgresVectors, url: str, space: str) -> None:
    server.signal(signal.SIGSTOP)
    try:
        with closing(connect(url)) as fresh:
            with pytest.raises(Unavailable):
                fresh.index_search(space, text="x")
            started = time.monotonic()
            with pytest.raises(Unavailable):
                fresh.index_search(space, text="x")
            assert time.monotonic() - started < 1
    finally:
        server.signal(signal.SIGCONT)


def test_a_sealed_box_calls_no_database_that_is_public_and_any_at_home() -> None:
    def said(address: str, **named: object) -> str:
        index = connect(f"postgresql+psycopg://ana:geheim@{address}", network=NetworkSettings(**named))
        with closing(index):
            return index.index_store().reason

    assert said("8.8.8.8/vectors").startswith("This box is sealed: it may not call 8.8.8.8.")
    assert said("/vectors?hostaddr=8.8.8.8").startswith("This box is sealed: it may not call 8.8.8.8.")
    assert said("127.0.0.1:9/vectors") == "The database of the vectors does not answer."
    assert said("/vectors?host=8.8.8.8:5432&host=127.0.0.1:9") == "The database of the vectors does not answer.", "one of them is ours"
    assert said("nobody.invalid/vectors", mode="connected") == "The name nobody.invalid could not be found on the network."


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (DiskFull("x"), "could not do this now: 53100"),
        (LockNotAvailable("x"), "could not do this now: 55P03"),
        (QueryCanceled("x"), "could not do this now: 57014"),
        (AdminShutdown("x"), "does not answer."),
        (ConnectionFailure("x"), "does not answer."),
        (OperationalError('connection to server at "10.0.0.7", port 5432 failed: server does not support SSL, but SSL was required'),
         "refuses the box: server does not support SSL, but SSL was required"),
        (OperationalError("failed: FATAL:  the database system is starting up"), "does not answer."),
        (OperationalError("consuming input failed: server closed the connection unexpectedly"), "does not answer."),
    ],
)  # fmt: skip
def test_what_a_server_says_is_told_and_only_silence_is_called_so(url: str, cause: Exception, said: str) -> None:
    with pytest.raises(Unavailable, match=said), VectorDatabase(url, NetworkSettings()).translated():
        raise cause


def test_a_server_that_takes_no_writing_is_told_in_its_own_words(server: PostgresVectors, url: str) -> None:
    assert reason_of(url) == ""
    with server.ruling(url.partition("@/")[2].partition("?")[0]) as engine, engine.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.partition("@/")[2].partition("?")[0]}" SET default_transaction_read_only = on'))
    assert "could not do this now: cannot execute CREATE TABLE in a read-only transaction" in reason_of(url)


def test_an_extension_that_is_out_of_sight_is_told(server: PostgresVectors, url: str) -> None:
    assert reason_of(url) == ""
    with server.ruling(url.partition("@/")[2].partition("?")[0]) as engine, engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA hidden"))
        connection.execute(text("ALTER EXTENSION vector SET SCHEMA hidden"))
    assert 'type "halfvec" does not exist' in reason_of(url)


def test_an_emptied_database_is_a_lost_index_and_is_filled_again(index: PgVectors, space: str, server: PostgresVectors, url: str) -> None:
    index.index_add(space, [1, 2], texts=TEXTS, create=True)
    with server.ruling(url.partition("@/")[2].partition("?")[0]) as engine, engine.connect() as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    with pytest.raises(IndexMissing):
        index.index_search(space, text="x")
    assert index.index_stats(space).state == "missing"
    assert index.index_rebuild(space, iter([([1, 2], FakeInference().embed(TEXTS))])).count == 2
    (name,) = server.tables(url)
    with server.ruling(url.partition("@/")[2].partition("?")[0]) as engine, engine.connect() as connection:
        connection.execute(text(f'DROP TABLE salesedge."{name}"'))
    assert index.index_stats(space).state == "missing"
    with pytest.raises(IndexMissing):
        index.index_remove(space, [1])
    assert index.index_add(space, [1], texts=TEXTS[:1], create=True).count == 1


def test_a_build_fills_a_database_that_was_emptied_before_it_and_breaks_off_in_one_that_is_emptied_meanwhile(
    index: PgVectors, space: str, server: PostgresVectors, url: str
) -> None:
    rows, database = FakeInference().embed(TEXTS), url.partition("@/")[2].partition("?")[0]
    index.index_add(space, [1, 2], texts=TEXTS, create=True)

    def empty() -> None:
        with server.ruling(database) as engine, engine.connect() as connection:
            connection.execute(text("DROP TABLE salesedge.vector_indexes"))

    def batches() -> Iterator[tuple[list[int], Vectors]]:
        yield [1, 2], rows
        empty()

    with server.ruling(database) as engine, engine.connect() as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    assert index.index_rebuild(space, iter([([1, 2], rows)])).count == 2
    with pytest.raises(Unavailable):
        index.index_rebuild(space, batches())
    assert index.index_rebuild(space, iter([([1, 2], rows)])).count == 2
    assert len(server.tables(url)) == 1


def test_a_database_without_the_extension_says_who_has_to_make_it(server: PostgresVectors) -> None:
    url = server.new_database(has_extension=False)
    assert reason_of(url).startswith("Have a superuser run CREATE EXTENSION vector")
    ruler = url.replace(url.split("//")[1].partition("@")[0], "owner", 1)
    assert reason_of(ruler) == "", "who may makes it"


def test_an_extension_that_is_too_old_is_told(server: PostgresVectors, url: str) -> None:
    with server.ruling(url.partition("@/")[2].partition("?")[0]) as engine, engine.connect() as connection:
        connection.execute(text("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'"))
    assert "The extension vector is 0.7.4 there; the box needs 0.8 or newer" in reason_of(url)


def test_what_is_there_is_told_by_its_version(index: PgVectors) -> None:
    found = index.index_store()
    assert found.name.startswith("pgvector 0.8")
    assert ", PostgreSQL 1" in found.name


def test_why_a_server_refuses_is_told_without_the_password(server: PostgresVectors) -> None:
    said = reason_of(f"postgresql+psycopg://owner:geheim@/nowhere?host={server.folder}")
    assert said == 'The database of the vectors refuses the box: database "nowhere" does not exist'


@pytest.mark.parametrize(
    "written",
    [
        "postgresql+psycopg://vectors@10.0.0.7/vectors",
        "postgresql+psycopg://vectors:p%23ss@db:5433/vectors?sslmode=require",
        "postgresql+psycopg://owner@/vectors?host=/run/postgresql",
    ],
)
def test_an_address_is_taken_as_the_boxs_own_database_is_written(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE__KNOWLEDGE__VECTORS_URL", written)
    assert Settings().knowledge.vectors_url == written
    assert not KnowledgeSettings().vectors_url


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://ana:geheim@db/vectors",
        "postgresql+psycopg://ana:geheim@db",
        "postgresql+psycopg://ana:geheim@db:x/vectors",
        "sqlite:///geheim@vectors.db",
        "http://ana:geheim@db/vectors",
        "ana:geheim@db/vectors",
        "postgresql://db/vectors?user=ana&password=geheim",
    ],
)
def test_what_is_no_address_is_refused_in_both_languages_without_its_password(written: str) -> None:
    for language, said in (("en", "is not the address of a database such as"), ("pt", "não é o endereço de um banco de dados como")):
        i18n.use_locale(language)
        with pytest.raises(ValidationError, match=said) as refused:
            KnowledgeSettings(vectors_url=written)
        assert "geheim" not in str(refused.value.errors()[0]["msg"])
