"""Vectors in a real PostgreSQL with pgvector: who may read them, what two do at once, and what is left after a death."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from appliance.core.config import ModelSettings
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import Unavailable
from appliance.inference import engines, pgvector, rotation, vector_tables, wire
from appliance.inference.errors import IndexMismatch, IndexMissing
from appliance.inference.fake import DIM, FakeInference
from appliance.inference.http import HttpInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.rotation import Rotations, orthogonal
from appliance.inference.types import Allow, Purpose, Vectors
from appliance.inference.vector_database import VectorDatabase
from tests.inference.pgvectors import PATIENCE_S, ROUNDING, TEXTS, Open, asked, rows_of, stored, until
from tests.modelserver.running import Running
from tests.peers.postgres_vectors import PostgresVectors


@pytest.mark.parametrize("allow", [None, Allow(ranges=((100, 900),)), Allow(ranges=((5, 9), (40, 44)), ids=(700, 3, 9999)),
                                   Allow(ranges=((0, 300), (200, 1500), (1700, 5000)))], ids=["all", "half", "few", "most"])  # fmt: skip
def test_it_finds_what_the_model_server_finds_with_the_same_scores(
    index: PgVectors, space: str, allow: Allow | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = rows_of(2000)
    running = Running(tmp_path_factory.mktemp("models")).start()
    there = HttpInference(ModelSettings(), wire.ModelServer(running.socket, timeout_s=PATIENCE_S), engines.NoEngine())
    try:
        for one in (there, index):
            one.index_add(space, range(2000), vectors=rows, create=True)
            one.index_remove(space, range(50, 60))
        for query in rows_of(5, seed=1):
            theirs = there.index_search(space, vector=query, k=30, allow=allow)
            ours = index.index_search(space, vector=query, k=30, allow=allow)
            np.testing.assert_allclose(ours.scores, theirs.scores, atol=ROUNDING)
            known = dict(zip(theirs.ids.tolist(), theirs.scores.tolist(), strict=True))
            missed = [score for one, score in zip(ours.ids.tolist(), ours.scores.tolist(), strict=True) if one not in known]
            assert [score for score in missed if score > theirs.scores[-1] + ROUNDING] == [], "others only where scores are the same"
    finally:
        there.close()
        running.kill()


@pytest.mark.parametrize("allow", [None, Allow(ranges=((0, 4000),)), Allow(ranges=((100, 200), (3000, 3100))), Allow(ids=(7, 4711))],
                         ids=["all", "whole", "few", "two"])  # fmt: skip
def test_many_vectors_are_found_along_a_graph_that_misses_hardly_any(connect: Open, space: str, allow: Allow | None) -> None:
    rows, exact, quick = rows_of(5000), connect(), connect(approximate_above=1000)
    exact.index_add(f"{space}x", range(5000), vectors=rows, create=True)
    quick.index_add(space, range(500), vectors=rows[:500], create=True)
    quick.index_add(space, range(500, 5000), vectors=rows[500:])
    hit = 0
    for query in rows_of(20, seed=1):
        right = exact.index_search(f"{space}x", vector=query, k=10, allow=allow).ids.tolist()
        hit += len({*right} & {*quick.index_search(space, vector=query, k=10, allow=allow).ids.tolist()}) / len(right)
    assert hit / 20 > 0.95


def test_a_graph_is_made_once_there_are_many_and_looked_along(connect: Open, space: str, url: str) -> None:
    quick = connect(approximate_above=1000)

    def said() -> bool:
        engine = create_engine(url)
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT is_approximate FROM salesedge.vector_indexes"))
            there = connection.scalar(text("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%halfvec_cosine_ops%'"))
        engine.dispose()
        assert bool(there) == found
        return bool(found)

    quick.index_add(space, range(1000), vectors=rows_of(1000), create=True)
    assert not said()
    quick.index_add(space, [1000], vectors=rows_of(1))
    assert said()
    quick.index_rebuild(space, iter([(range(900), rows_of(900))]))
    assert not said()
    quick.index_rebuild(space, iter([(range(900), rows_of(900)), (range(900, 1800), rows_of(900))]))
    assert said()
    assert len(quick.index_search(space, vector=rows_of(1)[0], k=300).ids) == 300


def test_what_is_spread_evenly_is_found_along_the_graph_alone(connect: Open, space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index, rows = connect(approximate_above=1000), rows_of(5000)
    index.index_rebuild(space, iter([(range(5000), rows)]))
    monkeypatch.setattr(vector_tables, "_each_of", lambda *_args: pytest.fail("each row was looked at"))
    fifth = Allow(ranges=tuple((first, first) for first in range(0, 5000, 5)))
    assert len(index.index_search(space, vector=rows[25], k=100, allow=fifth).ids) == 100


def test_none_that_are_wanted_are_found_without_asking(connect: Open, space: str) -> None:
    index, rows = connect(approximate_above=10), rows_of(20)
    index.index_add(space, range(20), vectors=rows, create=True)
    for allow in (None, Allow(ranges=((0, 9),)), Allow(ids=(1,))):
        assert index.index_search(space, vector=rows[0], k=0, allow=allow).hits == ()


def test_as_many_as_are_wanted_are_found_where_hardly_any_near_ones_are_allowed(connect: Open, space: str) -> None:
    index, rows = connect(approximate_above=1000), rows_of(3000)
    index.index_add(space, range(3000), vectors=rows, create=True)
    sixth = Allow(ranges=tuple((first, first + 7) for first in range(0, 3000, 50)))
    found = index.index_search(space, vector=rows[25], k=100, allow=sixth).ids
    assert (len(found), {one % 50 < 8 for one in found.tolist()}) == (100, {True})


def test_a_topic_far_from_the_question_is_found_whole_and_in_order(connect: Open, space: str) -> None:
    """The graph leads to what is near the question: of 24,000 rows none that is near is allowed."""
    random = np.random.default_rng(3)
    towards = random.standard_normal(DIM)
    near = towards + 0.6 * random.standard_normal((20_000, DIM))
    far = -towards + 0.6 * random.standard_normal((4_000, DIM))
    index = connect(approximate_above=1000)
    rows = np.concatenate([near, far]).astype(np.float32)
    index.index_rebuild(space, iter([(range(24_000), rows)]))
    question = np.asarray(towards, np.float32)
    found = index.index_search(space, vector=question, k=100, allow=Allow(ranges=((20_000, 23_999),)))
    cosines = far @ towards / np.linalg.norm(far, axis=1) / np.linalg.norm(towards)
    np.testing.assert_allclose(found.scores, np.sort(cosines)[::-1][:100], atol=ROUNDING)


def test_a_large_document_comes_in_pieces_each_with_the_whole_time_of_a_statement(
    index: PgVectors, space: str, server: PostgresVectors, url: str
) -> None:
    assert index.index_add(space, range(2500), vectors=rows_of(2500), create=True).count == 2500
    (name,) = server.tables(url)
    assert asked(url, f'SELECT count(DISTINCT cmin::text) FROM salesedge."{name}"') == np.ceil(2500 / vector_tables.PIECE)


def test_stored_vectors_are_not_the_embedders_and_lie_to_each_other_as_those_do(
    index: PgVectors, space: str, server: PostgresVectors, url: str
) -> None:
    known = FakeInference().embed(TEXTS)
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    kept = stored(server, url)
    found = np.stack([kept[number] for number in (1, 2, 3)])
    assert np.abs((found * known).sum(axis=1)).max() < 0.4, "the public embedder leads nowhere"
    np.testing.assert_allclose(found @ found.T, known @ known.T, atol=ROUNDING)


def test_the_same_text_of_two_organisations_is_not_known_to_be_the_same(
    index: PgVectors, space: str, server: PostgresVectors, url: str
) -> None:
    index.index_add(space, [1], texts=TEXTS[:1], create=True)
    mine = stored(server, url)[1]
    index.index_drop(space)
    index.index_add(f"t-{uuid4().hex}:knowledge", [1], texts=TEXTS[:1], create=True)
    assert abs(float(mine @ stored(server, url)[1])) < 0.4


def test_a_rotation_is_the_same_on_every_machine() -> None:
    made = orthogonal(b"x" * 32, DIM)
    np.testing.assert_allclose(made @ made.T, np.eye(DIM), atol=1e-12)
    np.testing.assert_allclose(made.ravel()[:3], [-0.104867, 0.019286, -0.017318], atol=1e-6)
    assert np.abs(orthogonal(b"y" * 32, DIM) - made).max() > 0.1


def test_matrices_of_many_organisations_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rotations = Rotations(str.encode, str.encode)
    monkeypatch.setattr(rotation, "MOST_BYTES", 2 * DIM * DIM * 4)
    row = FakeInference().embed(["x"])
    first = rotations.rotated(rotations.secret("first"), row)
    for number in range(3):
        rotations.rotated(rotations.secret(f"another {number}"), row)
    assert sum(matrix.nbytes for matrix in rotations._made.values()) <= rotation.MOST_BYTES
    np.testing.assert_array_equal(rotations.rotated(rotations.secret("first"), row), first)


def test_one_namespace_never_meets_the_table_of_another(index: PgVectors, space: str, server: PostgresVectors, url: str) -> None:
    other = f"t-{uuid4().hex}:knowledge"
    for number, name in enumerate((space, other)):
        index.index_add(name, [number], texts=TEXTS[:1], create=True)
    assert len(server.tables(url)) == 2
    assert index.index_search(other, text=TEXTS[0], k=9).ids.tolist() == [1]
    index.index_drop(space)
    assert len(server.tables(url)) == 1
    assert index.index_stats(other).count == 1


def test_an_index_of_another_secret_is_missing_and_made_anew(
    connect: Open, space: str, server: PostgresVectors, url: str
) -> None:
    connect().index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    later = connect(secret=b"another")
    assert later.index_stats(space).state == "missing"
    for call in (lambda: later.index_search(space, text="x"), lambda: later.index_add(space, [4], texts=["x"]),
                 lambda: later.index_remove(space, [1])):  # fmt: skip
        with pytest.raises(IndexMissing):
            call()
    assert later.index_add(space, [9], texts=TEXTS[:1], create=True).count == 1
    assert later.index_search(space, text=TEXTS[0], k=9).ids.tolist() == [9]
    assert len(server.tables(url)) == 1, "what nobody can use any more is gone"


def test_without_the_key_nothing_is_told_and_all_can_be_dropped(
    index: PgVectors, space: str, server: PostgresVectors, url: str
) -> None:
    def destroyed(_name: str) -> bytes:
        raise KeyUnreadable("destroyed")

    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    later = PgVectors(VectorDatabase(url), FakeInference(), embedding_model="fake", share_of=destroyed)
    for call in (lambda: later.index_search(space, text="x"), lambda: later.index_stats(space)):
        with pytest.raises(KeyUnreadable):
            call()
    later.index_drop(space)
    later.close()
    assert server.tables(url) == []


class Named(FakeInference):
    """Knows by which model it is asked to embed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def embed(self, texts: object, *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        self.asked.append(f"{purpose}:{model}")
        return super().embed(texts, purpose=purpose)  # type: ignore[arg-type]


def test_a_question_is_embedded_by_whoever_embedded_the_index(connect: Open, space: str) -> None:
    models = Named()
    connect(models, model="older").index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    newer = connect(models, model="newer")
    assert newer.index_search(space, text=TEXTS[1], k=1).ids.tolist() == [2]
    assert models.asked[-1] == "query:older"
    with pytest.raises(IndexMismatch):
        newer.index_add(space, [4], texts=["x"])
    with pytest.raises(IndexMismatch):
        newer.index_search(space, vector=np.ones(8, np.float32))


def rest_is_over(index: PgVectors) -> None:
    """One search may try now."""
    index._searches.failed(pgvector.SEARCH)
    until(lambda: time.monotonic() > index._searches._records[pgvector.SEARCH].open_until)


def test_a_time_out_of_the_server_is_no_reason_to_ask_it_nothing_else(
    connect: Open, space: str, server: PostgresVectors, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "SLOW_FAILURE_S", 0.0)
    index, other, engine = connect(), f"t-{uuid4().hex}:knowledge", create_engine(url)
    index.index_add(space, [1], texts=TEXTS[:1], create=True)
    (name,) = server.tables(url)
    index.index_add(other, [2], texts=TEXTS[:1], create=True)
    with engine.begin() as connection:
        connection.execute(text(f'LOCK TABLE salesedge."{name}" IN ACCESS EXCLUSIVE MODE'))
        with pytest.raises(Unavailable):
            index.index_search(space, text=TEXTS[0])
        assert index.index_search(other, text=TEXTS[0]).ids.tolist() == [2]
    engine.dispose()
    rest_is_over(index)
    with pytest.raises(IndexMissing):
        index.index_search(f"t-{uuid4().hex}:knowledge", text=TEXTS[0])
    assert index.index_search(other, text=TEXTS[0]).ids.tolist() == [2], "who is told that an index is missing was answered"


def test_a_search_that_nobody_waits_for_tells_the_others_what_it_met(connect: Open, space: str) -> None:
    index = connect()
    index.index_add(space, [1], texts=TEXTS[:1], create=True)
    rest_is_over(index)
    index.begin_search(space, text=TEXTS[0])
    until(lambda: not index._searches._records)


def test_who_meets_a_server_that_hangs_over_an_open_line_tells_the_others(index: PgVectors, space: str, server: PostgresVectors) -> None:
    index.index_add(space, [1], texts=TEXTS[:1], create=True)
    server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            index.index_search(space, text=TEXTS[0])
        assert index._searches.is_open(pgvector.SEARCH), "known before the search is given up"
    finally:
        server.signal(signal.SIGCONT)


class Slow(FakeInference):
    """A question is embedded once it may go on."""

    def __init__(self, go_on: threading.Event) -> None:
        super().__init__()
        self._go_on = go_on

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        assert purpose == "passage" or self._go_on.wait(PATIENCE_S)
        return super().embed(texts, purpose=purpose, model=model)


def test_models_that_hang_are_waited_for_by_one(connect: Open, space: str, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgvector, "SEARCH_TIMEOUT_S", 0.2)

    index = connect(Slow(go_on))
    index.index_add(space, [1], texts=TEXTS[:1], create=True)
    with pytest.raises(Unavailable):
        index.index_search(space, text=TEXTS[0])
    assert index._searches.is_open(pgvector.SEARCH)


def test_both_places_are_dropped_whatever_becomes_of_the_other(
    connect: Open, space: str, server: PostgresVectors, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = FakeInference()
    index, away = connect(models), connect(models, at=url.partition("?")[0] + "?host=/nowhere")
    models.index_add(space, [1], texts=TEXTS[:1], create=True)
    with pytest.raises(Unavailable):
        away.index_drop(space)
    assert models.index_stats(space).state == "missing"

    def refuse(_namespace: str) -> None:
        raise Unavailable("away")

    index.index_add(space, [1], texts=TEXTS[:1], create=True)
    monkeypatch.setattr(models, "index_drop", refuse)
    with pytest.raises(Unavailable):
        index.index_drop(space)
    assert server.tables(url) == []


def test_who_asks_when_too_many_wait_already_is_told_at_once(
    connect: Open, space: str, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "MOST_WAITING", 1)
    index = connect(Slow(go_on))
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    first = index.begin_search(space, text=TEXTS[1], k=1)
    with pytest.raises(Unavailable, match="cannot be reached at the moment"):
        index.begin_search(space, text=TEXTS[1], k=1)()
    go_on.set()
    assert first().ids.tolist() == [2]


def test_a_forked_child_asks_over_connections_of_its_own(index: PgVectors, space: str) -> None:
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    index.index_search(space, text=TEXTS[0], k=1)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if index.index_search(space, text=TEXTS[2], k=1).ids.tolist() == [3] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert index.index_search(space, text=TEXTS[1], k=1).ids.tolist() == [2]


def test_asking_returns_before_the_question_is_embedded(connect: Open, space: str, go_on: threading.Event) -> None:
    index = connect(Slow(go_on))
    index.index_add(space, [1, 2, 3], texts=TEXTS, create=True)
    hits = index.begin_search(space, text=TEXTS[1], k=1)
    go_on.set()
    assert hits().ids.tolist() == [2]
