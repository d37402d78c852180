"""A search over vectors in PostgreSQL beside one in the model server's index, on the same vectors and this machine.

    python -m tests.bench.bench_pgvector [--vectors 100000]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path

import faiss
import numpy as np

from appliance.inference.fake import FakeInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.types import Allow, VectorIndex
from appliance.inference.vector_database import VectorDatabase
from tests.bench.bench_index import DIM, SPACE, _batches, _wait_for_clusters, clustered_rows, connect
from tests.modelserver.running import Running
from tests.peers.postgres_vectors import postgres_vectors

QUERIES = 300
K = 100  # candidates of a question
JUDGED = 10
WARM = 50
Truth = dict[str, list[set[int]]]


def allowed(count: int) -> dict[str, Allow | None]:
    random = np.random.default_rng(5)
    documents = random.permutation(count // 50)  # of fifty chunks each

    def some(part: float) -> Allow:
        return Allow(ranges=tuple((int(50 * one), int(50 * one) + 49) for one in sorted(documents[: int(part * len(documents))])))

    return {"all": None, "a half": some(0.5), "a fifth": some(0.2), "far fifth": Allow(ranges=((near_of(count), count - 1),)), "1 %": some(0.01)}


def near_of(count: int) -> int:
    """Questions are about these first rows; a fifth is of another matter."""
    return count // 5 * 4


def two_matters(count: int) -> np.ndarray:
    rows = clustered_rows(count)
    apart = np.random.default_rng(7).standard_normal(DIM).astype(np.float32)
    apart /= np.linalg.norm(apart)
    rows[: near_of(count)] += 0.5 * apart
    rows[near_of(count) :] -= 0.5 * apart
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def permitted(allow: Allow | None, count: int) -> np.ndarray:
    if allow is None:
        return np.arange(count)
    return np.concatenate([np.arange(low, high + 1) for low, high in allow.ranges])


def truth(rows: np.ndarray, queries: np.ndarray) -> Truth:
    found: Truth = {}
    for name, allow in allowed(len(rows)).items():
        numbers = permitted(allow, len(rows))
        _, best = faiss.knn(queries, rows[numbers], JUDGED, metric=faiss.METRIC_INNER_PRODUCT)
        found[name] = [set(numbers[one].tolist()) for one in best]
    return found


def timed(search: Callable[..., object], queries: Iterable[np.ndarray], allow: Allow | None, right: list[set[int]]) -> tuple[float, float, float]:
    """p50 and p95 in ms, recall@10."""
    times, hit = [], 0.0
    for query, best in zip(queries, right, strict=True):
        started = time.perf_counter()
        found = search(vector=query, k=K, allow=allow)
        times.append((time.perf_counter() - started) * 1000)
        hit += len(best & set(found.ids[:JUDGED].tolist())) / len(best)  # type: ignore[attr-defined]
    p50, p95 = np.percentile(times[WARM:], [50, 95])
    return float(p50), float(p95), hit / len(right)


def measure(name: str, index: VectorIndex, queries: np.ndarray, right: Truth, count: int) -> dict[str, float]:
    p95s = {}
    for which, allow in allowed(count).items():
        p50, p95, recall = timed(partial(index.index_search, SPACE), queries, allow, right[which])
        print(f"{name:13} {which:9} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   recall@{JUDGED} {recall:.3f}", flush=True)
        p95s[which] = p95
    return p95s


def built(name: str, index: VectorIndex, rows: np.ndarray) -> None:
    started = time.perf_counter()
    index.index_rebuild(SPACE, _batches(rows))
    print(f"{name:13} build of {len(rows)} x {DIM}: {time.perf_counter() - started:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    count = parser.parse_args().vectors
    rows = two_matters(count)
    noise = np.random.default_rng(9).standard_normal((QUERIES, DIM)).astype(np.float32)
    queries = rows[np.random.default_rng(8).permutation(near_of(count))[:QUERIES]] + 0.03 * noise  # near something, as questions are
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    right = truth(rows, queries)
    with tempfile.TemporaryDirectory() as folder, postgres_vectors() as server:
        running = Running(Path(folder), ("--threads", "2")).start()
        there = connect(running)
        database = VectorDatabase(server.new_database())
        here = PgVectors(database, FakeInference(), embedding_model="bench", share_of=lambda name: sha256(name.encode()).digest())
        try:
            built("model server", there, rows)
            _wait_for_clusters(running)
            theirs = measure("model server", there, queries, right, count)
            built("pgvector", here, rows)
            ours = measure("pgvector", here, queries, right, count)
        finally:
            here.close()
            there.close()
            running.kill()
    print("p95 of pgvector to that of the model server: " + ", ".join(f"{name} {ours[name] / theirs[name]:.1f}" for name in ours))


if __name__ == "__main__":
    main()
