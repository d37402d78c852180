"""Embeddings, tokens, lists and limits, over the wire."""

import base64
import time
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import openai
import pytest

from tests.modelserver.running import Running


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_it_starts_fast_and_small(tmp_path: Path) -> None:
    running = Running(tmp_path).start()
    try:
        with running.client() as client:
            rss = client.get("/v1/memory").json()["rss_bytes"]
            figures = client.get("/metrics").text.splitlines()
            took = next(line for line in figures if line.startswith("modelserver_process_cpu_seconds_total"))
    finally:
        assert running.stop() == 0
    assert float(took.split()[1]) < 5  # of processor; by the clock it is under one second on a quiet machine
    assert rss < 120 << 20
    assert not running.socket.exists()


def test_the_openai_client_reads_embeddings_and_models(server: Running) -> None:
    with server.client() as http:
        api = openai.OpenAI(base_url="http://models/v1", api_key="none", http_client=http)
        found = api.embeddings.create(model="minilm-l6-v2-int8", input=["one", "two"])
        assert [len(row.embedding) for row in found.data] == [384, 384]
        assert found.usage.prompt_tokens == 6
        assert {"tiny", "minilm-l6-v2-int8"} <= {model.id for model in api.models.list()}


def test_both_encodings_carry_the_same_numbers(client: httpx.Client) -> None:
    as_floats = client.post("/v1/embeddings", json={"input": "hello"}).json()["data"][0]["embedding"]
    encoded = client.post("/v1/embeddings", json={"input": "hello", "encoding_format": "base64"}).json()["data"][0]["embedding"]
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(encoded), "<f4"), as_floats, atol=1e-6)


def test_many_texts_come_back_in_their_order_whatever_batches_they_went_in(tmp_path: Path) -> None:
    texts = [f"The {word} arrives in {count} days. " * count for word in ("parcel", "invoice", "engineer") for count in (1, 30, 2, 12)]
    running = Running(tmp_path, ("--threads", "2")).start()
    try:
        with running.client() as client:
            together = _vectors(client, texts)
            alone = np.concatenate([_vectors(client, [text]) for text in texts])
    finally:
        running.stop()
    assert (together @ alone.T).argmax(axis=1).tolist() == list(range(len(texts)))
    assert (together * alone).sum(axis=1).min() > 0.97


def _vectors(client: httpx.Client, texts: list[str]) -> npt.NDArray[np.float64]:
    told = client.post("/v1/embeddings", json={"input": texts}).raise_for_status().json()
    return np.array([one["embedding"] for one in told["data"]])


def test_paraphrases_are_nearer_than_strangers(client: httpx.Client) -> None:
    texts = ["How long does delivery take?", "What is the shipping time?", "The cat chased a mouse."]
    rows = np.array([row["embedding"] for row in client.post("/v1/embeddings", json={"input": texts}).json()["data"]])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3


def test_tokens_are_counted_beyond_what_the_model_reads(client: httpx.Client) -> None:
    told = client.post("/v1/tokenize", json={"texts": ["word " * 1000, ""], "offsets": True}).json()
    assert told["counts"] == [1000, 0]
    assert told["max_tokens"] == 256
    assert told["offsets"][0][999] == [4995, 4999]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/embeddings", {"input": "x", "model": "nowhere"}, (404, "model_not_found")),
        ("/v1/embeddings", {"input": 7}, (422, "bad_request")),
        ("/v1/rerank", {"query": "x", "documents": ["y"]}, (501, "no_rerank_model")),
        ("/v1/chat/completions", {"messages": []}, (422, "bad_request")),
        ("/v1/chat/completions", {"model": "broken", "messages": [{"role": "user", "content": "x"}]}, (422, "model_unreadable")),
        ("/v1/nothing", {}, (404, "not_found")),
        ("/v1/index/a%2Fb/search", {"text": "x"}, (404, "not_found")),
        ("/v1/index/..:x/search", {"text": "x"}, (422, "bad_namespace")),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: httpx.Client, path: str, body: dict[str, object], expected: tuple[int, str]
) -> None:
    response = client.post(path, json=body)
    assert error(response) == expected
    assert response.json()["error"]["message"].endswith((".", "."))


def test_a_body_that_is_not_json_is_refused(client: httpx.Client) -> None:
    assert error(client.post("/v1/embeddings", content=b"{not json")) == (422, "bad_request")


def test_a_huge_body_is_refused(server: Running) -> None:
    with server.client() as client:
        response = client.post("/v1/embeddings", content=b"x" * (65 << 20))
    assert response.status_code == 413


def test_metrics_speak_prometheus(client: httpx.Client) -> None:
    client.post("/v1/embeddings", json={"input": "x"})
    text = client.get("/metrics").text
    assert 'modelserver_requests_total{route="/v1/embeddings",status="200"}' in text
    assert 'modelserver_queue_requests{queue="minilm-l6-v2-int8"} 0.0' in text


def test_memory_is_told_per_model(client: httpx.Client) -> None:
    client.post("/v1/embeddings", json={"input": "x"})
    told = client.get("/v1/memory").json()
    (embedder,) = [model for model in told["models"] if model["task"] == "embedding"]
    assert 0 < embedder["memory_bytes"] < told["rss_bytes"]


def test_an_idle_model_is_let_go_and_comes_back(tmp_path: Path) -> None:
    running = Running(tmp_path, ("--idle-unload", "0.4")).start()
    try:
        with running.client() as client:
            assert client.post("/v1/embeddings", json={"input": "x"}).is_success
            ends = time.monotonic() + 60
            while client.get("/v1/memory").json()["models"] and time.monotonic() < ends:
                time.sleep(0.1)
            assert client.get("/v1/memory").json()["models"] == []
            assert client.post("/v1/embeddings", json={"input": "x"}).is_success
    finally:
        running.stop()


def test_a_second_server_on_the_same_socket_is_refused(server: Running) -> None:
    second = Running(server.home)
    second.launch()
    assert second.process is not None
    assert second.process.wait(timeout=60) == 1
    with server.client() as client:
        assert client.get("/health").is_success


def test_a_network_address_needs_a_token(tmp_path: Path) -> None:
    from modelserver.options import BadOption, Options

    with pytest.raises(BadOption, match="--token-file"):
        Options(tmp_path, tmp_path, host="0.0.0.0", port=1).token()


@pytest.mark.parametrize("text", ["", "\n", "fifteen letters\n"])
def test_a_token_that_is_guessed_opens_nothing(tmp_path: Path, text: str) -> None:
    from modelserver.options import BadOption, Options

    (tmp_path / "token").write_text(text)
    with pytest.raises(BadOption, match="fewer than 16 characters"):
        Options(tmp_path, tmp_path, host="0.0.0.0", port=1, token_file=tmp_path / "token").token()


def test_callers_without_the_token_stay_out(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret-s3cret-s3cret\n")
    running = Running(tmp_path, ("--token-file", str(tmp_path / "token"))).start()
    try:
        with running.client() as client:
            assert client.get("/health").is_success
            assert error(client.get("/v1/models")) == (401, "unauthorized")
            assert client.get("/v1/models", headers={"Authorization": "Bearer s3cret-s3cret-s3cret"}).is_success
    finally:
        running.stop()
