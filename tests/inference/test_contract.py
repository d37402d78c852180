"""What every implementation of the ports promises: run against the real model server, the fake, and vectors in PostgreSQL."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from appliance.core import guard
from appliance.core.config import ModelSettings
from appliance.core.errors import Unavailable
from appliance.inference import engines, wire
from appliance.inference.errors import IndexMismatch, IndexMissing, ModelRefused, NoChatEngine, NoModel
from appliance.inference.fake import FakeInference
from appliance.inference.http import HttpInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.types import Allow, ChatMessage, Inference, VectorIndex
from appliance.inference.vector_database import VectorDatabase
from tests.modelserver.running import Running
from tests.modelserver.sounds import sound
from tests.peers.postgres_vectors import postgres_vectors

TEXTS = ["the cat sat on the mat", "shipping takes ten days", "you may return it within a week"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("models")).start()
    yield running
    running.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", ("server", "fake", "pgvector") if "index" in metafunc.fixturenames else ("server", "fake"))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres_vectors() as running:
        yield running.new_database()


@pytest.fixture
def inference(kind: str, request: pytest.FixtureRequest) -> Iterator[Inference]:
    if kind == "fake":
        yield FakeInference()
        return
    running: Running = request.getfixturevalue("server")
    client = HttpInference(ModelSettings(), wire.ModelServer(running.socket, timeout_s=120), engines.NoEngine())
    yield client
    client.close()


@pytest.fixture
def index(kind: str, inference: Inference, request: pytest.FixtureRequest) -> Iterator[VectorIndex]:
    if kind != "pgvector":
        assert isinstance(inference, FakeInference | HttpInference)
        yield inference
        return
    address, model = request.getfixturevalue("database"), ModelSettings().embedding_model
    database = VectorDatabase(address)
    found = PgVectors(database, inference, embedding_model=model, approximate_above=2, share_of=lambda name: sha256(name.encode()).digest())
    yield found
    found.close()


@pytest.fixture
def namespace() -> str:
    return f"{uuid4()}:agents"


def test_embeddings_are_unit_rows_in_the_order_given(inference: Inference) -> None:
    rows = inference.embed([*TEXTS, "short", "a much longer text " * 80])
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    assert float(rows[1] @ inference.embed([TEXTS[1]])[0]) > 0.98


def test_no_texts_give_no_rows(inference: Inference) -> None:
    assert len(inference.embed([])) == 0
    assert inference.count_tokens([]) == []


def test_token_offsets_point_into_the_text(inference: Inference) -> None:
    text = "O prazo é de 10 dias."
    (found,) = inference.count_tokens([text], offsets=True)
    assert found.count == len(found.offsets)
    assert "".join(text[a:b] for a, b in found.offsets) == text.replace(" ", "")


def test_text_that_no_encoding_can_hold_is_still_embedded(inference: Inference, index: VectorIndex, namespace: str) -> None:
    broken = ["half an emoji \ud83d", "nul \0 byte", "", " \n", "\u202e\ufeff"]
    assert inference.embed(broken).shape == (5, 384)
    assert len(inference.count_tokens(broken)) == 5
    index.index_add(namespace, range(5), texts=broken, create=True)
    assert len(index.index_search(namespace, text=broken[0], k=5).hits) == 5


def test_a_search_finds_the_nearest_text(index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [10, 20, 30], texts=TEXTS, create=True)
    found = index.index_search(namespace, text="shipping days", k=2)
    assert found.hits[0].id == 20
    assert len(found.hits) == 2
    assert found.version == index.index_stats(namespace).version


def test_a_search_by_vector_agrees_with_one_by_text(inference: Inference, index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [10, 20, 30], vectors=inference.embed(TEXTS).astype(np.float16), create=True)
    by_vector = index.index_search(namespace, vector=inference.embed([TEXTS[2]], purpose="query")[0], k=1)
    assert by_vector.hits[0].id == index.index_search(namespace, text=TEXTS[2], k=1).hits[0].id == 30


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        (Allow(ids=(30, 77)), {30}),
        (Allow(ranges=((10, 20),)), {10, 20}),
        (Allow(ids=(10,), ranges=((25, 99),)), {10, 30}),
        (Allow(), set()),
    ],
)
def test_a_search_returns_only_what_is_allowed(index: VectorIndex, namespace: str, allow: Allow, expected: set[int]) -> None:
    index.index_add(namespace, [10, 20, 30], texts=TEXTS, create=True)
    assert {hit.id for hit in index.index_search(namespace, text="anything", k=10, allow=allow).hits} == expected


def test_namespaces_do_not_see_each_other(index: VectorIndex, namespace: str) -> None:
    other = f"{uuid4()}:agents"
    index.index_add(namespace, [1], texts=["secret of one"], create=True)
    index.index_add(other, [2], texts=["secret of another"], create=True)
    assert [hit.id for hit in index.index_search(other, text="secret of one", k=10).hits] == [2]


def test_a_missing_index_says_so_instead_of_answering_in_part(index: VectorIndex, namespace: str) -> None:
    assert index.index_stats(namespace).state == "missing"
    for call in (
        lambda: index.index_search(namespace, text="x"),
        lambda: index.index_add(namespace, [1], texts=["x"]),
        lambda: index.index_remove(namespace, [1]),
        lambda: index.index_replace(namespace, remove=[1], ids=[2], texts=["x"]),
    ):
        with pytest.raises(IndexMissing):
            call()


def test_adding_an_id_again_replaces_it(index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [1], texts=[TEXTS[0]], create=True)
    assert index.index_add(namespace, [1], texts=[TEXTS[1]]).count == 1
    assert index.index_search(namespace, text=TEXTS[1], k=1).hits[0].score > 0.9


def test_removing_takes_out_only_what_is_named(index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [1, 2, 3], texts=TEXTS, create=True)
    assert index.index_remove(namespace, [2, 99]).count == 2
    assert {hit.id for hit in index.index_search(namespace, text="x", k=9).hits} == {1, 3}


def test_an_index_that_was_emptied_finds_nothing_and_then_what_comes(index: VectorIndex, namespace: str) -> None:
    allowed = [None, Allow(ranges=((0, 999),)), Allow(ids=(1, 2, 3))]
    index.index_add(namespace, [1, 2, 3], texts=TEXTS, create=True)
    assert index.index_remove(namespace, [1, 2, 3]).count == 0
    assert [index.index_search(namespace, text="x", allow=allow).hits for allow in allowed] == [(), (), ()]
    index.index_add(namespace, [2], texts=TEXTS[:1])
    assert [[hit.id for hit in index.index_search(namespace, text="x", k=3, allow=allow).hits] for allow in allowed] == [[2]] * 3


def test_replacing_switches_once_and_moves_the_version(index: VectorIndex, namespace: str) -> None:
    before = index.index_add(namespace, [1, 2], texts=TEXTS[:2], create=True)
    after = index.index_replace(namespace, remove=[1, 2], ids=[3], texts=TEXTS[2:])
    assert (after.count, after.version > before.version) == (1, True)


def test_a_rebuild_answers_with_the_old_version_until_it_is_whole(inference: Inference, index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [1], texts=TEXTS[:1], create=True)
    rows = inference.embed(TEXTS)

    def batches() -> Iterator[tuple[list[int], np.ndarray]]:
        yield [7], rows[:1]
        assert [hit.id for hit in index.index_search(namespace, text="x", k=9).hits] == [1]
        yield [8, 9], rows[1:]

    assert index.index_rebuild(namespace, batches()).count == 3
    assert {hit.id for hit in index.index_search(namespace, text="x", k=9).hits} == {7, 8, 9}


def test_a_rebuild_that_fails_changes_nothing(inference: Inference, index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [1], texts=TEXTS[:1], create=True)
    rows = inference.embed(TEXTS)

    def batches() -> Iterator[tuple[list[int], np.ndarray]]:
        yield [7], rows[:1]
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        index.index_rebuild(namespace, batches())
    assert [hit.id for hit in index.index_search(namespace, text="x", k=9).hits] == [1]


def test_a_rebuild_of_nothing_is_an_empty_index(index: VectorIndex, namespace: str) -> None:
    index.index_rebuild(namespace, iter(()))
    assert (index.index_stats(namespace).state, index.index_search(namespace, text="x").hits) == ("ready", ())


def test_vectors_of_another_model_are_refused(index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [1], texts=TEXTS[:1], create=True)
    with pytest.raises(IndexMismatch):
        index.index_add(namespace, [2], vectors=np.ones((1, 8), np.float32))


def test_a_dropped_index_is_missing(index: VectorIndex, namespace: str) -> None:
    index.index_add(namespace, [1], texts=TEXTS[:1], create=True)
    index.index_drop(namespace)
    index.index_drop(namespace)
    assert index.index_stats(namespace).state == "missing"


def test_without_an_engine_nothing_is_written(inference: Inference) -> None:
    with pytest.raises(NoChatEngine):
        inference.chat([ChatMessage("user", "Oi")])
    with pytest.raises(NoChatEngine):
        list(inference.chat_stream([ChatMessage("user", "Oi")]))


def test_without_a_reranker_nothing_is_reranked(inference: Inference) -> None:
    with pytest.raises(NoModel):
        inference.rerank("a", ["b"])


def test_without_a_model_of_speech_nothing_is_written_down(inference: Inference) -> None:
    with pytest.raises(NoModel):
        inference.transcribe(sound(seconds=1))
    assert not inference.ready().can_hear


def test_a_fake_that_hears_tells_what_was_said_and_takes_sound_only() -> None:
    inference = FakeInference(hears=lambda sound: f"{len(sound)} bytes")
    heard = inference.transcribe(sound(seconds=2), language="pt")
    assert (heard.seconds, heard.text, [one.text for one in heard.segments]) == (2.0, "64044 bytes", ["64044 bytes"])
    assert inference.ready().can_hear
    with pytest.raises(ModelRefused):
        inference.transcribe(b"ID3 and then music")


def test_models_and_readiness_name_the_embedder(inference: Inference) -> None:
    state = inference.ready()
    assert state.ready
    assert state.embedding_model in [model.name for model in inference.models() if model.task == "embedding"]
    assert inference.chat_hosts() == [], "nobody elsewhere writes"


def test_models_are_not_called_inside_a_transaction(inference: Inference, index: VectorIndex, namespace: str) -> None:
    def hear() -> object:
        return inference.transcribe(b"")

    guard.entered_unit()
    asked = (lambda: inference.embed(["x"]), lambda: index.index_search(namespace, text="x"), lambda: inference.chat([]))
    try:
        for call in (*asked, inference.chat_hosts, hear):
            with pytest.raises(guard.SlowWorkInTransaction):
                call()
    finally:
        guard.left_unit()


def test_a_model_server_that_is_away_is_unavailable_for_now(tmp_path: Path) -> None:
    client = HttpInference(ModelSettings(), wire.ModelServer(tmp_path / "none.sock", timeout_s=5), engines.NoEngine())
    with pytest.raises(Unavailable) as caught:
        client.embed(["x"])
    assert caught.value.retry_after
    state = client.ready()
    assert (state.ready, bool(state.reason)) == (False, True)
