"""One trace from a request over its events and jobs to the models (W3C Trace Context), where `telemetry.otlp_endpoint` names a receiver.

Off, nothing of OpenTelemetry is imported and a span costs one comparison. What travels is the `traceparent`: ids, never content.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

import structlog

from appliance import UNASKED

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from appliance.core.receivers import Receiver

Kind = Literal["server", "consumer", "client", "internal"]
Told = Mapping[str, str | int | float | bool]
HEADER = "traceparent"
_here: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: Tracer | None = None
log = structlog.get_logger()


class Mark:
    """A span under way, or none."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span

    def name(self, name: str) -> None:
        if self._span is not None:
            self._span.update_name(name)

    def say(self, told: Told) -> None:
        if self._span is not None:
            self._span.set_attributes(dict(told))

    def failed(self, kind: str) -> None:
        """The kind of an error; its text may quote what people wrote."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - only where it is on

            self._span.set_attribute("error.type", kind)
            self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        if self._span is not None:
            self._span.end()


_NONE = Mark()


def start(named: dict[str, str], ratio: float, receiver: Receiver) -> None:
    """Switch it on for this process, which is `named` as OpenTelemetry names one."""
    global _tracer  # noqa: PLW0603 - one per process, as the library has it
    if sys.modules.get(UNASKED, UNASKED) is None:
        del sys.modules[UNASKED]
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415 - only where it is on

    from appliance.core.otlp import provider  # noqa: PLC0415 - the same

    _tracer = provider(named, receiver, ParentBased(TraceIdRatioBased(ratio))).get_tracer("salesedge")


def traceparent() -> str | None:
    return _here.get()


def headers() -> dict[str, str]:
    """For a peer of ours; a foreign one is told nothing."""
    here = _here.get()
    return {} if here is None else {HEADER: here}


def begin(name: str, kind: Kind, *, parent: str | None = None, told: Told | None = None) -> Mark:
    """For whoever ends it elsewhere. What follows in this context belongs to it."""
    if _tracer is None:
        return _NONE
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only where it is on
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - the same

    within = TraceContextTextMapPropagator().extract({HEADER: parent}) if parent else None
    span = _tracer.start_span(name, within, SpanKind[kind.upper()], dict(told or {}))
    _here.set(_written(span))
    return Mark(span)


@contextmanager
def span(name: str, kind: Kind, *, parent: str | None = None, told: Told | None = None) -> Iterator[Mark]:
    """Of a call to somebody else only within a trace: what the box does for itself is told by metrics."""
    above = parent or _here.get()
    if _tracer is None or (kind == "client" and above is None):
        yield _NONE
        return
    token = _here.set(above)
    mark = begin(name, kind, parent=above, told=told)
    try:
        yield mark
    finally:
        why = sys.exc_info()[0]
        if why is not None and why is not GeneratorExit:  # who stops listening to a stream has had enough of it
            mark.failed(why.__name__)
        mark.end()
        with suppress(ValueError):  # a stream may be closed by somebody else than who read it
            _here.reset(token)


@contextmanager
def within(parent: str | None) -> Iterator[None]:
    """Go on in another thread."""
    token = _here.set(parent)
    try:
        yield
    finally:
        _here.reset(token)


def _written(span: Any) -> str:
    found = span.get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"
