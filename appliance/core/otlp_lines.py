"""Log lines as OTLP writes them, for Loki or a collector. Imported only where their sending is on.

The SDK's own way for logs is not stable yet and weighs three times as much as the messages themselves.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from appliance.core import tracing
from appliance.core.receivers import Belt, Receiver, is_telling

_SEVERITIES = {
    "debug": SeverityNumber.SEVERITY_NUMBER_DEBUG, "info": SeverityNumber.SEVERITY_NUMBER_INFO,
    "warning": SeverityNumber.SEVERITY_NUMBER_WARN, "error": SeverityNumber.SEVERITY_NUMBER_ERROR,
    "critical": SeverityNumber.SEVERITY_NUMBER_FATAL,
}  # fmt: skip
TEXTS = frozenset({
    "actor", "channel", "column", "courtesy", "delivery", "document", "error", "failure", "file", "host", "job", "kind", "name", "outcome",
    "purpose", "queue", "reason", "request_id", "route", "signal", "subscriber", "table", "target", "tenant_id", "upload",
})  # fmt: skip
_TOLD_ELSEWHERE = {"event", "level", "timestamp", "process"}
_WORD = re.compile(r"[\w.:/<>\[\]-]{1,200}", re.ASCII)
_LONGEST_EVENT, _LONGEST_ERROR, _MOST_FRAMES = 200, 8000, 100
Line = Mapping[str, object]
Laid = tuple[int, str | None, Line]  # when, within which span, what


class Lines:
    def __init__(self, named: Mapping[str, str], receiver: Receiver) -> None:
        self._resource = Resource(attributes=[_pair(name, value) for name, value in named.items()])
        self._receiver = receiver
        self._belt: Belt[Laid] = Belt(receiver, self._pack)

    def tell(self, line: Line) -> None:
        """Here it is only laid aside: what it costs to write it is paid by the thread that sends it."""
        if is_telling():
            return
        try:
            self._belt.put((time.time_ns(), tracing.traceparent(), _harmless(line)))
        except Exception as err:  # noqa: BLE001 - the line is written all the same
            self._receiver.drop(1, type(err).__name__)

    def _pack(self, laid: list[Laid]) -> bytes:
        lines = ScopeLogs(scope=InstrumentationScope(name="salesedge"), log_records=[_record(*each) for each in laid])
        whole: bytes = ExportLogsServiceRequest(
            resource_logs=[ResourceLogs(resource=self._resource, scope_logs=[lines])]
        ).SerializeToString()
        return whole


def _harmless(line: Line) -> Line:
    """What is known to be: numbers, words of ours under names of ours, and of an error where it was and its kind, without what it says."""
    told: dict[str, object] = {}
    for name, value in line.items():
        if isinstance(value, bool | int | float) or name in _TOLD_ELSEWHERE:
            told[name] = value
        elif name in TEXTS and _WORD.fullmatch(text := str(value)):
            told[name] = text
    err = line.get("exc_info")
    if isinstance(err, BaseException):
        told["exception"] = _place_of(err)
    return told


def _place_of(err: BaseException) -> str:
    """Without lines of source: those of a page somebody wrote are theirs."""
    frames = traceback.StackSummary.extract(traceback.walk_tb(err.__traceback__), limit=-_MOST_FRAMES, lookup_lines=False)
    lines = [f'File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]
    return "\n".join([*lines, f"{type(err).__module__}.{type(err).__qualname__}"])[-_LONGEST_ERROR:]


def _record(at_ns: int, parent: str | None, line: Line) -> LogRecord:
    level = str(line["level"])
    record = LogRecord(
        time_unix_nano=at_ns, observed_time_unix_nano=at_ns, severity_number=_SEVERITIES[level], severity_text=level.upper(),
        body=_text(str(line["event"])[:_LONGEST_EVENT]),
        attributes=[_pair(name, value) for name, value in line.items() if name not in _TOLD_ELSEWHERE],
    )  # fmt: skip
    if parent is not None:
        _version, trace, span, flags = parent.split("-")
        record.trace_id, record.span_id, record.flags = bytes.fromhex(trace), bytes.fromhex(span), int(flags, 16)
    return record


def _pair(name: str, value: object) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=name, value=AnyValue(bool_value=value))
    if isinstance(value, int) and abs(value) < 2**63:
        return KeyValue(key=name, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=name, value=AnyValue(double_value=value))
    return KeyValue(key=name, value=_text(str(value)))


def _text(value: str) -> AnyValue:
    """A name of a file may hold what UTF-8 has no bytes for."""
    return AnyValue(string_value=value.encode("utf-8", "replace").decode("utf-8"))
