"""The cross-encoder path, with a graph of four operations in place of a trained model."""

from collections.abc import Iterator

import pytest

from tests.modelserver import tiny_reranker
from tests.modelserver.running import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("rerank"))
    tiny_reranker.install(running.models)
    running.start()
    yield running
    running.stop()


def ask(server: Running, **body: object) -> list[dict[str, float]]:
    with server.client() as client:
        return client.post("/v1/rerank", json={"query": "shoes", **body}).json()["results"]


def test_documents_come_back_best_first_with_their_places(server: Running) -> None:
    found = ask(server, documents=["a a", "zebra zebra", "mouse"])
    assert sorted(one["index"] for one in found) == [0, 1, 2]
    scores = [one["relevance_score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert found[-1]["index"] == 0


def test_a_score_does_not_depend_on_the_company(server: Running) -> None:
    alone = ask(server, documents=["zebra zebra"])[0]["relevance_score"]
    among = ask(server, documents=["zebra zebra", "zebra zebra", "mouse"], top_n=1)
    assert len(among) == 1
    assert among[0]["relevance_score"] == pytest.approx(alone)


def test_long_documents_are_cut_not_refused(server: Running) -> None:
    assert len(ask(server, documents=["zebra " * 5000])) == 1


def test_nothing_to_rank_gives_nothing(server: Running) -> None:
    assert ask(server, documents=[]) == []
