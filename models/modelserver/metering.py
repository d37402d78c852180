"""What is measured, under Prometheus names."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics, generate_latest

_PAGE = 4096
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Meters:
    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and nobody asks for them
        kept = self.registry = CollectorRegistry()
        ProcessCollector(namespace="modelserver", registry=kept)
        self.requests = Counter("modelserver_requests_total", "Requests answered", ["route", "status"], registry=kept)
        timed = "modelserver_request_duration_seconds"
        self.seconds = Histogram(timed, "Time to the last byte", ["route"], buckets=_BUCKETS, registry=kept)
        self.tokens = Counter("modelserver_tokens_total", "Tokens read and written", ["model", "direction"], registry=kept)
        self.shed = Counter("modelserver_shed_total", "Requests turned away because a queue was full", ["queue"], registry=kept)
        self.inside = Gauge("modelserver_queue_requests", "Requests running or waiting", ["queue"], registry=kept)
        self.loaded = Gauge("modelserver_model_memory_bytes", "Memory a loaded model took", ["model"], registry=kept)
        self.vectors = Gauge("modelserver_index_vectors", "Vectors held in open namespaces", registry=kept)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def rss_bytes() -> int:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


