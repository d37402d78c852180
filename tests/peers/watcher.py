"""Programs that watch a box: a collector and Loki (OTLP over HTTP), and Sentry. They read what they are sent as its makers read it."""

import contextlib
import gzip
import logging
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import structlog
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from sentry_sdk.envelope import Envelope

from appliance.core import faults, receivers, telemetry, tracing
from appliance.core.box import Box
from appliance.core.config import Settings
from appliance.entrypoints import boot

KEY, PROJECT = "0123456789abcdef0123456789abcdef", 42


class Watcher:
    """`status` is what it answers; while it `dawdles` it answers nobody."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []  # the process that sent it, and the span
        self.lines: list[tuple[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.raw: list[bytes] = []  # all that came, as it came
        self.status, self.headers = 200, {}
        self.asked = 0
        self.dawdles = threading.Event()
        self._goes_on = threading.Event()
        outer = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked += 1
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                if outer.dawdles.is_set():
                    outer._goes_on.wait(60)
                answer = outer.take(self.path, self.headers, body) if outer.status == 200 else b""
                with contextlib.suppress(ConnectionError):  # who waited for it has left
                    self.send_response(outer.status)
                    for name, value in {**outer.headers, "Content-Length": str(len(answer))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_said: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        port = self._server.server_port
        self.url, self.loki = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/otlp"
        self.dsn = f"http://{KEY}@127.0.0.1:{port}/{PROJECT}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def take(self, path: str, headers: Any, body: bytes) -> bytes:
        self.raw.append(body)
        if path == f"/api/{PROJECT}/envelope/":
            assert f"sentry_key={KEY}" in headers["X-Sentry-Auth"]
            assert headers["Content-Type"] == "application/x-sentry-envelope"
            self.errors += [event for item in Envelope.deserialize(body).items if (event := item.get_event()) is not None]
            return b"{}"
        assert headers["Content-Type"] == "application/x-protobuf"
        if path == "/otlp/v1/logs":
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
                named = told(resource.resource.attributes)
                assert named["service.namespace"] == "salesedge"
                self.lines += [(named["service.name"], line) for scope in resource.scope_logs for line in scope.log_records]
            return bytes(ExportLogsServiceResponse().SerializeToString())
        assert path == "/v1/traces"
        for traced in ExportTraceServiceRequest.FromString(body).resource_spans:
            name = told(traced.resource.attributes)["service.name"]
            self.spans += [(name, span) for scope in traced.scope_spans for span in scope.spans]
        return bytes(ExportTraceServiceResponse().SerializeToString())

    def traces(self) -> dict[bytes, list[tuple[str, Any]]]:
        found = defaultdict(list)
        for process, span in list(self.spans):
            found[span.trace_id].append((process, span))
        return found

    def events(self) -> list[str]:
        """What the lines are called that came."""
        return [line.body.string_value for _process, line in list(self.lines)]

    def go_on(self) -> None:
        self.dawdles.clear()
        self._goes_on.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.go_on()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def told(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def pointed_at(settings: Settings, folder: Path, *, traces: str = "", logs: str = "", dsn: str = "") -> Settings:
    file = folder / "dsn"
    file.write_text(f"{dsn}\n", encoding="utf-8")
    named = {"otlp_endpoint": traces, "logs_endpoint": logs, "sentry_dsn_file": file if dsn else None}
    return settings.model_copy(update={"telemetry": settings.telemetry.model_copy(update=named)})


@contextlib.contextmanager
def watching(box: Box, folder: Path, **addresses: str) -> Iterator[None]:
    """As every process does it that opens its box; what a test switched on is off after it."""
    before, hooks = box.settings, (sys.excepthook, threading.excepthook)
    handlers = list(logging.getLogger().handlers)
    box.settings = pointed_at(before, folder, **addresses)
    structlog.contextvars.clear_contextvars()  # of a request that an earlier test made
    telemetry.configure_logs(box.settings.logs.model_copy(update={"level": "info", "format": "json"}), "test")
    boot._let_watch("test", box)
    try:
        yield
    finally:
        telemetry.pass_on_to(None)
        faults._teller = tracing._tracer = None
        tracing._here.set(None)
        sys.excepthook, threading.excepthook = hooks
        logging.getLogger().handlers[:] = handlers
        receivers._belts.clear()
        box.settings = before
