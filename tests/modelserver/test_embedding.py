"""One question through the embedder: what is left out of the graph changes no vector, and nobody waits twice."""

import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from modelserver import embedding
from modelserver.hub import Embedded, Hub
from modelserver.options import Options
from modelserver.shelf import Shelf
from tests.loops import run_async

STARTER = Path(__file__).parents[2] / "models/starter"
TEXTS = ("is the warranty valid for twelve months?", "Quanto custa o frete para Manaus?", "ok", "the boundary layer thickens " * 30)


def embedded(texts: tuple[str, ...] = TEXTS) -> np.ndarray:
    engine = embedding.load(Shelf(STARTER).find(None, "embedding"))
    return np.concatenate([engine.embed(batch) for text in texts for batch in engine.prepare([text], "query")])


def test_an_index_made_with_every_fusion_is_read_by_a_server_without_the_slow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    without = embedded()
    monkeypatch.setattr(embedding, "SLOW_FUSIONS", [])
    assert np.sum(without * embedded(), axis=1).min() > 0.999


def test_a_question_is_looked_up_on_the_thread_that_embedded_it_however_busy_the_index_is() -> None:
    hub, threads = Hub(Options(STARTER, STARTER)), []

    def look(found: Embedded) -> tuple[int, ...]:
        threads.append(threading.current_thread().name)
        return found.rows.shape

    with ExitStack() as full:
        for _ in range(hub.index_lane.limit):
            full.enter_context(hub.index_lane.admit())
        assert run_async(hub.embed_one("where is my parcel?", None, "query", look)) == (1, 384)
    assert threads[0].startswith(hub.options.embedding_model)
    hub.close()
