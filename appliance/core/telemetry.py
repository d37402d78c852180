"""Logs without personal data, metrics with the field's names (Prometheus base units)."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from appliance.core.config import LogSettings

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Time to answer a request",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
JOBS = Histogram("job_duration_seconds", "Time one job took", ("job",), buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600))
DEAD_LETTERS = Counter("job_dead_letters_total", "Deliveries given up until a person replays them", ("subscriber",))
OUTBOUND = Counter("outbound_requests_total", "Calls that left the box", ("host", "outcome"))

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(settings: LogSettings, process: str) -> None:
    """One stream on stderr. Lines carry ids and kinds, never what people wrote."""
    structlog.contextvars.bind_contextvars(process=process)
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if settings.format == "json" else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)


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
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))


def exposition() -> bytes:
    """All processes' metrics in Prometheus text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
