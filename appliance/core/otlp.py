"""Spans as OTLP writes them. Imported only where tracing is on."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from appliance.core.receivers import Belt, Receiver


class Collected(SpanProcessor):
    def __init__(self, receiver: Receiver) -> None:
        self._belt: Belt[ReadableSpan] = Belt(receiver, lambda spans: encode_spans(spans).SerializeToString())

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._belt.put(span)


def provider(named: dict[str, str], receiver: Receiver, sampler: Sampler) -> TracerProvider:
    limits = SpanLimits(max_span_attributes=32)
    made = TracerProvider(sampler=sampler, resource=Resource(dict(named)), span_limits=limits, shutdown_on_exit=False)
    made.add_span_processor(Collected(receiver))
    return made
