"""The cross-encoder path, with a graph of four operations in place of a trained model."""

import base64
import json
import shutil
from collections.abc import Iterator

import pytest

from tests.modelserver.running import ROOT, Running

# logits = mean over the pair of (token id where the token belongs to the document, else 0) / 10000
GRAPH = (
    "CAg6/gEKIwoJaW5wdXRfaWRzCg50b2tlbl90eXBlX2lkcxIBbSIDTXVsChcKAW0SAWYiBENhc3QqCQoCdG8YAaABAgonCgFmCgJheBIBciIKUmVkdWNl"
    "TWVhbioPCghrZWVwZGltcxgBoAECChMKAXIKAWsSBmxvZ2l0cyIDRGl2EgF0KhIIARAHQgJheEoIAQAAAAAAAAAqCxABQgFrSgQAQBxGWh0KCWlucHV0"
    "X2lkcxIQCg4IBxIKCgMSAWIKAxIBdFoiCg50b2tlbl90eXBlX2lkcxIQCg4IBxIKCgMSAWIKAxIBdGIZCgZsb2dpdHMSDwoNCAESCQoDEgFiCgIIAUIE"
    "CgAQEg=="
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("rerank"))
    folder = running.models / "tiny-reranker"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(base64.b64decode(GRAPH))
    shutil.copy(ROOT / "models/starter/minilm-l6-v2-int8/tokenizer.json", folder)
    about = {"name": "tiny-reranker", "task": "rerank", "engine": "onnx", "max_tokens": 64}
    (folder / "model.json").write_text(json.dumps(about))
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
