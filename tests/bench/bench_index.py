"""How fast the model server embeds and searches, and what it does when too much is asked.

    python -m tests.bench.bench_index [--vectors 100000] [--texts 512] [--callers 64]
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from appliance.core.config import ModelSettings
from appliance.core.errors import Unavailable
from appliance.inference import engines, wire
from appliance.inference.http import HttpInference
from appliance.inference.types import Allow
from tests.modelserver.running import Running

SPACE = "bench:all"
BATCH = 5000
DIM = 384
QUERIES = 200
PATIENCE_S = 60
WORDS = ["delivery", "returns", "invoice", "warranty", "prazo", "entrega", "boleto", "garantia", "shoes", "battery", "ten", "days"]


def connect(running: Running) -> HttpInference:
    return HttpInference(ModelSettings(), wire.ModelServer(running.socket, timeout_s=300), engines.NoEngine())


def percentiles(name: str, calls: list[Callable[[], object]]) -> None:
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    print(f"{name:58} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   p99 {p99:7.1f} ms")


def clustered_rows(count: int) -> np.ndarray:
    """Vectors that lie in topics, as real text does."""
    random = np.random.default_rng(0)
    topics = random.standard_normal((max(50, count // 200), DIM)).astype(np.float32)
    rows = topics[random.integers(0, len(topics), count)] + 0.8 * random.standard_normal((count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def texts(count: int, words: int) -> list[str]:
    random = np.random.default_rng(1)
    return [" ".join(random.choice(WORDS, words)) for _ in range(count)]


def bench_embedding(inference: HttpInference, count: int) -> None:
    inference.embed(["warm"])
    for words in (20, 120):
        given = texts(count, words)
        started = time.perf_counter()
        inference.embed(given)
        took = time.perf_counter() - started
        tokens = sum(one.count for one in inference.count_tokens(given))
        print(f"embed {count} texts of {words:3} words {'':22} {count / took:8.0f} texts/s   {tokens / took:8.0f} tokens/s")


def bench_search(inference: HttpInference, running: Running, rows: np.ndarray) -> None:
    started = time.perf_counter()
    inference.index_rebuild(SPACE, _batches(rows))
    print(f"build {len(rows)} x {DIM} {'':36} {time.perf_counter() - started:8.1f} s")
    questions = texts(QUERIES, 8)
    some = Allow(ranges=((0, len(rows) // 100),))
    scattered = Allow(ids=tuple(range(0, len(rows), 20)))
    search = partial(inference.index_search, SPACE, k=20)
    percentiles("search by vector, exact", [partial(search, vector=row) for row in rows[:QUERIES]])
    _wait_for_clusters(running)
    percentiles("search by vector, clustered", [partial(search, vector=row) for row in rows[:QUERIES]])
    percentiles("search by text (embedded in the same hop)", [partial(search, text=one) for one in questions])
    percentiles("  … among 1 % (one range)", [partial(search, text=one, allow=some) for one in questions])
    percentiles("  … among 5 % (listed ids)", [partial(search, text=one, allow=scattered) for one in questions])
    fresh = clustered_rows(20)
    percentiles("replace a document of 20 chunks", [lambda at=at: _replace(inference, at, fresh) for at in range(0, 400, 20)])
    print(f"index: {inference.index_stats(SPACE)}")


def _replace(inference: HttpInference, at: int, fresh: np.ndarray) -> None:
    inference.index_replace(SPACE, remove=range(at, at + 20), ids=range(10**6 + at, 10**6 + at + 20), vectors=fresh)


def _wait_for_clusters(running: Running) -> None:
    started = time.perf_counter()
    with running.client() as client:
        while client.get(f"/v1/index/{SPACE}").json()["kind"] == "flat" and time.perf_counter() - started < PATIENCE_S:
            time.sleep(0.2)
        print(f"clusters found after {'':37} {time.perf_counter() - started:8.1f} s   {client.get(f'/v1/index/{SPACE}').json()['kind']}")


def _batches(rows: np.ndarray) -> Iterator[tuple[list[int], np.ndarray]]:
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH].astype(np.float16)
        yield list(range(start, start + len(part))), part


def bench_busy(inference: HttpInference, callers: int) -> None:
    """Short questions while a long document is being embedded, then more callers than the queue holds."""
    done = threading.Event()
    bulk = threading.Thread(target=lambda: (inference.embed(texts(256, 150)), done.set()))
    bulk.start()
    times = []
    while not done.is_set():
        started = time.perf_counter()
        inference.embed(["how long does delivery take"], purpose="query")
        times.append((time.perf_counter() - started) * 1000)
    bulk.join()
    print(f"question while a document is embedded {'':20} p50 {np.percentile(times, 50):7.1f} ms   p95 {np.percentile(times, 95):7.1f} ms")

    def ask(_number: int) -> str:
        try:
            inference.embed(texts(16, 100))
        except Unavailable as err:
            return f"shed (come back in {err.retry_after:.0f} s)"
        return "answered"

    with ThreadPoolExecutor(callers) as pool:
        outcomes = list(pool.map(ask, range(callers)))
    counted = {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    print(f"{callers} callers at once: {counted}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder), ("--threads", str(chosen.threads)))
        started = time.perf_counter()
        running.start()
        print(f"start {'':52} {time.perf_counter() - started:8.2f} s")
        inference = connect(running)
        try:
            print(f"idle memory {'':46} {_rss(running):8.0f} MB")
            bench_embedding(inference, chosen.texts)
            print(f"memory with the embedder {'':33} {_rss(running):8.0f} MB")
            bench_search(inference, running, clustered_rows(chosen.vectors))
            print(f"memory with the index {'':36} {_rss(running):8.0f} MB")
            bench_busy(inference, chosen.callers)
        finally:
            inference.close()
            running.stop()
        reopened = time.perf_counter()
        running.start()
        again = connect(running)
        print(f"restart and reopen: {again.index_stats(SPACE).count} vectors {'':22} {time.perf_counter() - reopened:8.2f} s")
        again.close()
        running.stop()


def _rss(running: Running) -> float:
    with running.client() as client:
        return float(client.get("/v1/memory").json()["rss_bytes"]) / 1e6


if __name__ == "__main__":
    main()
