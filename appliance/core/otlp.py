"""Spans on their way out: OTLP over HTTP through the box's own outbound client. Imported only where tracing is on."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Sampler

from appliance import __version__
from appliance.core.errors import DomainError
from appliance.core.outbound import Client

EVERY_MS = 1000
KEPT = 2048  # spans that wait while the receiver is away; then the newest are dropped
_HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
log = structlog.get_logger()


class Exporter(SpanExporter):
    """What the receiver does not take is dropped: traces are never worth a job's time."""

    def __init__(self, endpoint: str, client: Callable[[], Client]) -> None:
        self._address = f"{endpoint.rstrip('/')}/v1/traces"
        self._client = client

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        body = gzip.compress(encode_spans(spans).SerializeToString())
        try:
            with self._client() as client:
                answer = client.post(self._address, content=body, headers=_HEADERS)
        except (DomainError, OSError) as err:
            log.warning("traces_not_taken", error=type(err).__name__, spans=len(spans))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if answer.is_success else SpanExportResult.FAILURE


def provider(process: str, endpoint: str, client: Callable[[], Client], sampler: Sampler) -> TracerProvider:
    named = Resource({"service.name": f"salesedge-{process}", "service.namespace": "salesedge", "service.version": __version__})
    made = TracerProvider(sampler=sampler, resource=named, span_limits=SpanLimits(max_span_attributes=32))
    made.add_span_processor(BatchSpanProcessor(Exporter(endpoint, client), max_queue_size=KEPT, schedule_delay_millis=EVERY_MS))
    return made
