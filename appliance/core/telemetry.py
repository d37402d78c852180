"""Logs without personal data, metrics with the field's names (Prometheus base units)."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from appliance.core.config import LogSettings
from appliance.core.errors import DomainError

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram
    from prometheus_client.metrics_core import GaugeMetricFamily

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_lock = threading.Lock()


class Metric:
    """Made on first use: the library decides at its import whether processes add up, so it is imported after `share_metrics`."""

    def __init__(self, kind: str, name: str, text: str, labels: tuple[str, ...], **options: Any) -> None:
        self._make = (kind, name, text, labels, options)
        self._made: Counter | Histogram | None = None
        self._labelled: dict[tuple[str, ...], Any] = {}

    def labels(self, *values: str) -> Any:
        found = self._labelled.get(values)
        if found is None:
            found = self._labelled[values] = self.make().labels(*values)
        return found

    def make(self) -> Counter | Histogram:
        with _lock:
            if self._made is None:
                import prometheus_client  # noqa: PLC0415 - see the docstring of the class

                kind, name, text, labels, options = self._make
                self._made = getattr(prometheus_client, kind)(name, text, labels, **options)
            assert self._made is not None
            return self._made


REQUESTS = Metric(
    "Histogram",
    "http_request_duration_seconds",
    "Time to answer a request",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
JOBS = Metric("Histogram", "job_duration_seconds", "Time one job took", ("job",), buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600))
DEAD_LETTERS = Metric("Counter", "job_dead_letters_total", "Deliveries given up until a person replays them", ("subscriber",))
OUTBOUND = Metric("Counter", "outbound_requests_total", "Calls that left the box", ("purpose", "outcome"))


def load() -> None:
    """Import the library and make the metrics of jobs now: what is forked from here shares them instead of importing again."""
    for metric in (JOBS, DEAD_LETTERS, OUTBOUND):
        metric.make()


def configure_logs(settings: LogSettings, process: str, *, stream: TextIO | None = None) -> None:
    """One stream, stderr unless told otherwise. Lines carry ids and kinds, never what people wrote."""
    out = stream or sys.stderr
    structlog.contextvars.bind_contextvars(process=process)
    is_json = settings.format == "json"
    renderer = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _frames_only,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_FramesOnly("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class _FramesOnly(logging.Formatter):
    """What libraries log keeps to the same rule."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name logging calls
        return _told(ei[1])


def _frames_only(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Where it happened and what kind it was. The text of foreign errors may quote a row, an e-mail, a message: it stays out."""
    err = line.pop("exc_info", None)
    if isinstance(err, BaseException):
        line["exception"] = _told(err)
    return line


def _told(err: BaseException) -> str:
    said = f": {err}" if isinstance(err, DomainError) else ""
    frames = "".join(traceback.format_tb(err.__traceback__))
    return f"{frames}{type(err).__module__}.{type(err).__qualname__}{said}"


@contextmanager
def timed_job(name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        JOBS.labels(name).observe(time.perf_counter() - started)


def share_metrics(folder: Path) -> None:
    """Let every process of the box write where one can add them up. Call before the first metric is touched."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


@dataclass(frozen=True, eq=False)  # the registry keeps it in a set
class Counted:
    """A figure read from the database, the same for all processes. `values`: value of `label` -> number."""

    name: str
    text: str
    label: str
    values: Mapping[str, int]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - see Metric

        family = GaugeMetricFamily(self.name, self.text, labels=[self.label])
        for value, number in self.values.items():
            family.add_metric([value], number)
        yield family


def exposition(counted: Iterable[Counted] = ()) -> bytes:
    """All processes' metrics in Prometheus text format."""
    import prometheus_client  # noqa: PLC0415 - see Metric
    from prometheus_client import multiprocess  # noqa: PLC0415 - the same

    registry = prometheus_client.CollectorRegistry()
    for figure in counted:
        registry.register(figure)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return prometheus_client.generate_latest() + prometheus_client.generate_latest(registry)
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
    return prometheus_client.generate_latest(registry)
