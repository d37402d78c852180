"""What is measured, under Prometheus' names and units. Each process writes its own figures; whoever is asked adds them up."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.core import processes

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram
    from prometheus_client.metrics_core import GaugeMetricFamily

SHARED = "PROMETHEUS_MULTIPROC_DIR"
Figures = Mapping[str, float] | Mapping[tuple[str, ...], float]
_lock = threading.Lock()


class Metric:
    """Made on first use: the library decides at its import whether processes add up, so it is imported after `share`."""

    def __init__(self, kind: str, name: str, text: str, labels: tuple[str, ...], **options: Any) -> None:
        self.kind, self.name = kind, f"salesedge_{name}"
        self.label_names = labels
        self._make = (text, options)
        self._made: Counter | Gauge | Histogram | None = None
        self._labelled: dict[tuple[str, ...], Any] = {}

    def labels(self, *values: str) -> Any:
        found = self._labelled.get(values)
        if found is None:
            made = self.make()
            found = self._labelled[values] = made.labels(*values) if values else made
        return found

    def make(self) -> Counter | Gauge | Histogram:
        with _lock:
            if self._made is None:
                import prometheus_client  # noqa: PLC0415 - see the docstring of the class

                text, options = self._make
                self._made = getattr(prometheus_client, self.kind)(self.name, text, self.label_names, **options)
            assert self._made is not None
            return self._made


REQUESTS = Metric(
    "Histogram", "http_request_duration_seconds", "Time to answer a request, by route template.", ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)  # fmt: skip
JOBS = Metric(
    "Histogram", "job_duration_seconds", "Time one try of a job took.", ("job_name", "queue"),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
)  # fmt: skip
OUTCOMES = Metric("Counter", "jobs_total", "Tries of jobs, by how they ended.", ("job_name", "queue", "outcome"))
EVENTS = Metric("Counter", "events_total", "What happened, by kind; messages carry the state they came to.", ("event", "status"))
OUTBOUND = Metric("Counter", "outbound_requests_total", "Calls that left the box, by purpose and how they ended.", ("purpose", "outcome"))
UNTOLD = Metric("Counter", "telemetry_dropped_total", "Spans, log lines and errors that their receiver did not take.", ("signal",))
MODELS = Metric(
    "Histogram", "model_request_duration_seconds", "Time a model took, as whoever asked it saw it.", ("task", "outcome"),
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120),
)  # fmt: skip
TOKENS = Metric("Counter", "model_tokens_total", "Tokens of chats, read (in) and written (out).", ("model", "direction"))
STREAMS = Metric("Gauge", "live_connections", "Open streams of browsers and programs.", (), multiprocess_mode="livesum")
CONNECTIONS = Metric("Gauge", "database_connections_in_use", "Connections taken from the pools now.", (), multiprocess_mode="livesum")
_OF_JOBS = (JOBS, OUTCOMES, EVENTS, OUTBOUND, MODELS, CONNECTIONS)


def load() -> None:
    """Import the library and make the metrics of jobs now: what is forked from here shares them instead of importing again."""
    for metric in _OF_JOBS:
        metric.make()


@contextmanager
def timed_job(name: str, queue: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        JOBS.labels(name, queue).observe(time.perf_counter() - started)


def share(folder: Path) -> None:
    """Let every process of the box write where one can add them up. Call before the first metric is touched."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[SHARED] = str(folder)


@dataclass(frozen=True, eq=False)  # the registry keeps it in a set
class Counted:
    """A figure that is the same for all processes, read when it is asked for. `values`: those of `labels` -> number."""

    name: str
    text: str
    labels: tuple[str, ...]
    values: Figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - see Metric

        family = GaugeMetricFamily(f"salesedge_{self.name}", self.text, labels=self.labels)
        for value, number in self.values.items():
            named = (value,) if isinstance(value, str) else value
            family.add_metric(named[: len(self.labels)], number)
        yield family


def exposition(counted: Iterable[Counted] = ()) -> bytes:
    """All processes' metrics in Prometheus text format."""
    import prometheus_client  # noqa: PLC0415 - see Metric
    from prometheus_client import multiprocess  # noqa: PLC0415 - the same

    registry = prometheus_client.CollectorRegistry()
    for figure in counted:
        registry.register(figure)
    if SHARED not in os.environ:
        return prometheus_client.generate_latest() + prometheus_client.generate_latest(registry)
    with _turn(Path(os.environ[SHARED]), fcntl.LOCK_SH):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
        return prometheus_client.generate_latest(registry)


def counted(metric: Metric) -> dict[tuple[str, ...], float]:
    """What all processes counted since the box started, by the values of its labels."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - see Metric

    families = text_string_to_metric_families(exposition().decode())
    samples = [sample for family in families for sample in family.samples if sample.name == metric.name]
    return {tuple(sample.labels[name] for name in metric.label_names): sample.value for sample in samples}


@contextmanager
def _turn(folder: Path, how: int) -> Iterator[None]:
    """Nobody adds up while files are put together."""
    with (folder / "turn").open("a") as lock:
        fcntl.flock(lock, how)
        yield


def put_together() -> int:
    """Every process leaves files behind, every fork for heavy jobs too: those of the dead become one. Returns how many went."""
    folder = Path(os.environ[SHARED]) if SHARED in os.environ else None
    if folder is None or not folder.is_dir():
        return 0
    with _turn(folder, fcntl.LOCK_EX):
        gone = [file for file in folder.glob("*_*.db") if _is_of_the_dead(file)]
        for kind in ("counter", "histogram"):
            _add_up(folder / f"{kind}_gone.db", [file for file in gone if file.name.startswith(kind)])
        for gauge in gone:
            gauge.unlink(missing_ok=True)
    return len(gone)


def _is_of_the_dead(file: Path) -> bool:
    process = file.stem.rpartition("_")[2]
    return process.isdigit() and not processes.is_running(int(process))


def _add_up(whole: Path, parts: list[Path]) -> None:
    """The parts leave before their sum comes: killed in between, a counter begins again, which readers expect; none counts double."""
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415 - see Metric

    if not parts:
        return
    following = whole.with_suffix(".new")
    following.unlink(missing_ok=True)
    if whole.exists():
        shutil.copy(whole, following)
    sums = MmapedDict(str(following))  # type: ignore[no-untyped-call]  # the library's
    for part in parts:
        for key, value, _at, _place in MmapedDict.read_all_values_from_file(str(part)):  # type: ignore[no-untyped-call]
            had, _since = sums.read_value(key)  # type: ignore[no-untyped-call]
            sums.write_value(key, had + value, 0.0)  # type: ignore[no-untyped-call]
    sums.close()  # type: ignore[no-untyped-call]
    for part in parts:
        part.unlink(missing_ok=True)
    following.replace(whole)
