"""The database that vectors lie in: away, hung, emptied, unfit, another box's, or named wrongly."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from psycopg import generators
from psycopg.errors import AdminShutdown, ConnectionFailure, DiskFull, LockNotAvailable, OperationalError, QueryCanceled
from pydantic import ValidationError
from sqlalchemy import make_url, text

from appliance.core import i18n
from appliance.core.config import KnowledgeSettings, NetworkSettings, Settings
from appliance.core.crypto import Keyring
from appliance.core.errors import Away, Unavailable, for_operators
from appliance.inference import vector_database
from appliance.inference.errors import IndexMissing
from appliance.inference.fake import FakeInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.types import Purpose, Vectors
from appliance.inference.vector_database import VectorDatabase
from tests.inference.pgvectors import PATIENCE_S, TEXTS, Open, until
from tests.peers.postgres_vectors import PostgresVectors

AWAY = "The vectors cannot be reached at the moment. Try again shortly."


def reason_of(index: PgVectors) -> str:
    found = index.index_store()
    assert found is not None
    return found.reason


def test_a_server_that_is_killed_is_unavailable_and_has_all_that_was_answered_once_it_is_back(
    index: PgVectors, space: str, server: PostgresVectors
) -> None:
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    server.kill()
    try:
        rows = FakeInference().embed(TEXTS)
        for call in (
            lambda: index.index_search(space, text="x"), lambda: index.index_stats(space), lambda: index.index_drop(space),
            lambda: index.index_add(space, [3], texts=["x"]), lambda: index.index_rebuild(space, iter([([1, 2, 3], rows)])),
        ):
            with pytest.raises(Away) as caught:
                call()
            assert str(caught.value) == AWAY
            assert str(caught.value.why) == "The database of the vectors does not answer."
            assert caught.value.retry_after
        assert reason_of(index) == "The database of the vectors does not answer."
    finally:
        server.start()
    assert index.index_search(space, text=TEXTS[1], k=1).ids.tolist() == [2]
    assert index.index_add(space, [4], texts=["x"]).count == 4
    assert reason_of(index) == ""


def test_nobody_waits_for_ever_for_a_server_that_hangs(index: PgVectors, space: str, server: PostgresVectors, connect: Open) -> None:
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    writer = connect()
    writer.index_add(space, [1, 2, 3], texts=TEXTS)
    server.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            writer.index_add(space, [3], texts=["x"])
        assert time.monotonic() - started < PATIENCE_S / 2, "also over a line that was open"
        started = time.monotonic()
        for _turn in range(2):
            with pytest.raises(Unavailable) as refused:
                index.index_search(space, text="x")
            assert str(refused.value) == AWAY, "it is not the models that are slow"
        assert time.monotonic() - started < 15, "the second does not wait as well"
    finally:
        server.signal(signal.SIGCONT)

    def found() -> bool:
        try:
            return index.index_search(space, text=TEXTS[1], k=1).ids.tolist() == [2]
        except Unavailable:
            return False

    until(found)


def test_who_begins_while_the_server_hangs_waits_for_it_once(server: PostgresVectors, connect: Open, space: str) -> None:
    fresh = connect()
    server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            fresh.index_search(space, text="x")
        started = time.monotonic()
        with pytest.raises(Unavailable):
            fresh.index_search(space, text="x")
        assert time.monotonic() - started < 1
    finally:
        server.signal(signal.SIGCONT)


def test_a_machine_that_vanished_is_noticed_by_the_connection_itself(url: str) -> None:
    database = VectorDatabase(url)
    with database.connected() as connection:
        driver: Any = connection.connection.driver_connection
        given = driver.info.get_parameters()
    database.close()
    assert {name: int(given[name]) for name in vector_database.ALIVE if name != "keepalives"} == {
        "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000,
    }


def test_a_sealed_box_calls_no_database_that_is_public_and_any_at_home(connect: Open) -> None:
    def said(address: str, **named: Any) -> str:
        return reason_of(connect(at=VectorDatabase(f"postgresql+psycopg://ana:geheim@{address}", NetworkSettings(**named))))

    assert said("8.8.8.8/vectors").startswith("This box is sealed: it may not call 8.8.8.8.")
    assert said("/vectors?hostaddr=8.8.8.8").startswith("This box is sealed: it may not call 8.8.8.8.")
    assert said("127.0.0.1:9/vectors") == "The database of the vectors does not answer."
    assert said("/vectors?host=8.8.8.8:5432&host=127.0.0.1:9") == "The database of the vectors does not answer.", "one of them is ours"
    assert said("nobody.invalid/vectors", mode="connected") == "The name nobody.invalid could not be found on the network."
    neutral = connect(at=VectorDatabase("postgresql+psycopg://ana:geheim@8.8.8.8/vectors"))
    with pytest.raises(Unavailable, match=AWAY):
        neutral.index_namespaces()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What libpq is told, which goes on as it would."""
    seen: list[str] = []
    begin = generators.connect

    def noted(told: str) -> object:
        seen.append(told)
        return begin(told)

    monkeypatch.setattr(generators, "connect", noted)
    return seen


@pytest.mark.parametrize("more", ["&host=8.8.8.8", "&host=8.8.8.8&hostaddr=,8.8.8.8", "&host=8.8.8.8&host=home&hostaddr=,,127.0.0.1",
                                  "&host=8.8.8.8&hostaddr=,"])  # fmt: skip
def test_a_host_that_is_refused_is_not_handed_on_beside_one_that_is_ours(
    server: PostgresVectors, url: str, connect: Open, called: list[str], more: str
) -> None:
    assert reason_of(connect(at=VectorDatabase(url + more))) == "", "over the socket"
    assert called
    assert [one for one in called if "8.8.8.8" in one] == []
    server.kill()
    try:
        assert reason_of(connect(at=VectorDatabase(url + more))) == "The database of the vectors does not answer."
    finally:
        server.start()
    assert [one for one in called if "8.8.8.8" in one] == []


def test_the_environment_leads_nowhere_else(url: str, connect: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.write_text("[elsewhere]\nhost=127.0.0.1\nhostaddr=127.0.0.1\nport=9\n")
    named = {"PGHOST": "127.0.0.1", "PGHOSTADDR": "127.0.0.1", "PGPORT": "9", "PGSERVICEFILE": str(services), "PGSERVICE": "elsewhere"}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert reason_of(connect()) == ""


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
    with pytest.raises(Unavailable, match=said), for_operators(), VectorDatabase(url).translated():
        raise cause


def test_a_server_that_takes_no_writing_is_told_in_its_own_words(server: PostgresVectors, url: str, connect: Open) -> None:
    assert reason_of(connect()) == ""
    with server.ruling_at(url) as connection:
        connection.execute(text(f'ALTER DATABASE "{make_url(url).database}" SET default_transaction_read_only = on'))
    assert "could not do this now: cannot execute CREATE TABLE in a read-only transaction" in reason_of(connect())


def test_an_extension_that_is_out_of_sight_is_told(server: PostgresVectors, url: str, connect: Open) -> None:
    assert reason_of(connect()) == ""
    with server.ruling_at(url) as connection:
        connection.execute(text("CREATE SCHEMA hidden"))
        connection.execute(text("ALTER EXTENSION vector SET SCHEMA hidden"))
    assert 'type "halfvec" does not exist' in reason_of(connect())


def test_an_emptied_database_is_a_lost_index_and_is_filled_again(index: PgVectors, space: str, server: PostgresVectors, url: str) -> None:
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    with server.ruling_at(url) as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    with pytest.raises(IndexMissing):
        index.index_search(space, text="x")
    assert index.index_stats(space).state == "missing"
    assert index.index_rebuild(space, iter([([1, 2, 3], FakeInference().embed(TEXTS))])).count == 3
    (name,) = server.tables(url)
    with server.ruling_at(url) as connection:
        connection.execute(text(f'DROP TABLE salesedge."{name}"'))
    assert index.index_stats(space).state == "missing"
    with pytest.raises(IndexMissing):
        index.index_remove(space, [1])
    assert index.index_add(space, [1], texts=TEXTS[:1], create=True).count == 1


def test_a_build_fills_a_database_that_was_emptied_before_it_and_breaks_off_in_one_that_is_emptied_meanwhile(
    index: PgVectors, space: str, server: PostgresVectors, url: str
) -> None:
    rows = FakeInference().embed(TEXTS)
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)

    def empty() -> None:
        with server.ruling_at(url) as connection:
            connection.execute(text("DROP TABLE salesedge.vector_indexes"))

    def batches() -> Iterator[tuple[list[int], Vectors]]:
        yield [1, 2, 3], rows
        empty()

    with server.ruling_at(url) as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    assert index.index_rebuild(space, iter([([1, 2, 3], rows)])).count == 3
    with pytest.raises(Unavailable):
        index.index_rebuild(space, batches())
    assert index.index_rebuild(space, iter([([1, 2, 3], rows)])).count == 3
    assert len(server.tables(url)) == 1


def test_a_database_without_the_extension_says_who_has_to_make_it(server: PostgresVectors, connect: Open) -> None:
    url = server.new_database(has_extension=False)
    assert reason_of(connect(at=url)).startswith("Have a superuser run CREATE EXTENSION vector")
    ruler = url.replace(url.split("//")[1].partition("@")[0], "owner", 1)
    assert reason_of(connect(at=ruler)) == "", "who may makes it"


def test_an_extension_that_is_too_old_is_told(server: PostgresVectors, url: str, connect: Open) -> None:
    with server.ruling_at(url) as connection:
        connection.execute(text("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'"))
    said = reason_of(connect())
    assert said.startswith("Install pgvector 0.8 or newer on the server in knowledge.vectors_url, then have ALTER EXTENSION vector UPDATE")
    assert said.endswith("there it is 0.7.4.")


def test_a_server_that_is_too_old_is_told(index: PgVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_database, "LEAST_SERVER", 99)
    said = reason_of(index)
    assert said.startswith("The server in knowledge.vectors_url is PostgreSQL 1")
    assert said.endswith("; the box needs 99 or newer.")


class Wide(FakeInference):
    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        return np.ones((len(texts), 4001), np.float32)


def test_vectors_that_do_not_go_on_a_page_are_refused_in_a_sentence(connect: Open, space: str) -> None:
    index = connect(Wide())
    sentence = "Vectors of 4001 numbers do not fit into PostgreSQL: take an embedding model of at most 4000."
    assert reason_of(index) == sentence
    calls: list[Callable[[], object]] = [
        lambda: index.index_add(space, [1], texts=["x"], create=True),
        lambda: index.index_rebuild(space, iter([([1], Wide().embed(["x"]))])),
    ]
    for call in calls:
        with pytest.raises(Unavailable, match=sentence), for_operators():
            call()
    most = np.ones((1, 4000), np.float32)
    assert index.index_add(space, [1], vectors=most, create=True).count == 1


def test_a_database_that_is_emptied_again_and_again_is_told_and_not_raised(
    index: PgVectors, server: PostgresVectors, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reason_of(index) == ""
    make = VectorDatabase._make

    def emptied(database: VectorDatabase) -> None:
        make(database)
        with server.ruling_at(url) as connection:
            connection.execute(text("DROP SCHEMA salesedge CASCADE"))

    monkeypatch.setattr(VectorDatabase, "_make", emptied)
    assert reason_of(index) == "This index does not exist; build it from the stored embeddings."


def test_a_database_is_one_boxs_own(connect: Open, url: str, server: PostgresVectors, space: str) -> None:
    ours, theirs = (Keyring(key * 32).pseudonym for key in (b"a", b"b"))
    assert ours == Keyring(b"a" * 32).pseudonym != theirs
    index = connect(at=VectorDatabase(url, owner=ours))
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    assert connect(at=VectorDatabase(url, owner=ours)).index_stats(space).count == 3
    stranger = connect(at=VectorDatabase(url, owner=theirs))
    assert reason_of(stranger) == (
        "The database in knowledge.vectors_url belongs to another box: name one of this box's own, or drop the schema salesedge there."
    )
    rows = FakeInference().embed(TEXTS)
    calls: list[Callable[[], object]] = [
        lambda: stranger.index_add(space, [4], texts=["x"], create=True), lambda: stranger.index_drop(space), stranger.index_namespaces,
        lambda: stranger.index_search(space, text="x"), lambda: stranger.index_rebuild(space, iter([([1, 2, 3], rows)])),
    ]
    for call in calls:
        with pytest.raises(Unavailable, match=AWAY):
            call()
    assert index.index_stats(space).count == 3
    with server.ruling_at(url) as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    assert reason_of(stranger) == ""


def test_an_index_says_which_database_it_lies_in_however_that_is_addressed(
    connect: Open, url: str, server: PostgresVectors, space: str
) -> None:
    here, there = connect(), connect(at=f"{url}&application_name=node2")
    place = here.index_add(space, [1, 2, 3], texts=TEXTS, create=True).place
    assert len(place) == 32
    rows = FakeInference().embed(TEXTS)
    for index in (here, there):
        assert index.index_stats(space).place == index.index_search(space, text="x").place == place
        assert index.index_rebuild(space, iter([([1, 2, 3], rows)])).place == place
        assert index.index_remove(space, [3]).place == place
    with server.ruling_at(url) as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    anew = here.index_rebuild(space, iter([([1, 2, 3], rows)])).place
    assert anew not in {"", place}
    assert there.index_stats(space).place == anew
    assert connect(at=server.new_database()).index_add(space, [1], texts=["x"], create=True).place not in {place, anew}


def test_what_is_there_is_told_by_its_version(index: PgVectors) -> None:
    found = index.index_store()
    assert found.name.startswith("pgvector 0.8")
    assert ", PostgreSQL 1" in found.name


def test_why_a_server_refuses_is_told_without_the_password(server: PostgresVectors, connect: Open) -> None:
    said = reason_of(connect(at=f"postgresql+psycopg://owner:geheim@/nowhere?host={server.folder}"))
    assert said == 'The database of the vectors refuses the box: database "nowhere" does not exist'


@pytest.mark.parametrize(
    "written",
    [
        "postgresql+psycopg://vectors@10.0.0.7/vectors",
        "postgresql+psycopg://vectors:p%23ss@db:5433/vectors?sslmode=require",
        "postgresql+psycopg://owner@/vectors?host=/run/postgresql",
        "postgresql+psycopg://owner@/vectors?hostaddr=10.0.0.7",
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
        "postgresql+psycopg://ana:geheim@/vectors",
        "postgresql+psycopg://ana:geheim@db/vectors?service=x",
        "postgresql+psycopg://ana:geheim@db/vectors?port=x",
    ],
)
def test_what_is_no_address_is_refused_in_both_languages_without_its_password(written: str) -> None:
    for language, said in (("en", "is not the address of a database such as"), ("pt", "não é o endereço de um banco de dados como")):
        i18n.use_locale(language)
        with pytest.raises(ValidationError, match=said) as refused:
            KnowledgeSettings(vectors_url=written)
        assert "geheim" not in str(refused.value.errors()[0]["msg"])
