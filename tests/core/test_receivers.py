"""Log lines on their way to Loki, and what becomes of all that is told where nobody takes it."""

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog
from starlette.testclient import TestClient

from appliance.core import metrics, receivers, telemetry, tracing
from appliance.core.config import NetworkSettings
from appliance.core.errors import DomainError
from appliance.core.outbound import Outbound
from appliance.core.receivers import Belt, Receiver
from appliance.entrypoints import live
from tests.architecture.house import ROOT
from tests.peers.watcher import Watcher, told, watching

PATIENCE_S = 60
PLANTED = ("Dores", "529.982.247-25", "+5511988887777")
PUBLIC = "https://8.8.8.8:3100/otlp"
log = structlog.get_logger()

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def watcher():
    with Watcher() as watcher:
        yield watcher


def until(what):
    ends = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)


def untold(signal):
    """Without a file to share it each process of tests counts for itself."""
    return metrics.UNTOLD.labels(signal)._value.get()


def test_a_line_comes_with_its_severity_time_fields_and_span(box, tmp_path, watcher):
    begun = time.time_ns()
    with watching(box, tmp_path, logs=watcher.loki, traces=watcher.url):
        log.info("cron_still_running", job="channels.tidy", ms=3, share=0.5, late=True, nothing=None)
        with tracing.span("work", "internal"):
            here = tracing.traceparent()
            log.warning("database_busy", route="/x")
        log.debug("never_said")
        receivers.flush(PATIENCE_S)
    (process, plain), (_process, within) = watcher.lines
    assert process == "salesedge-test"
    assert (plain.severity_text, plain.severity_number, plain.body.string_value) == ("INFO", 9, "cron_still_running")
    assert told(plain.attributes) == {"job": "channels.tidy", "ms": 3, "share": 0.5, "late": True}
    assert begun <= plain.time_unix_nano <= time.time_ns()
    assert plain.trace_id == b""
    assert (within.severity_text, within.severity_number) == ("WARNING", 13)
    assert f"00-{within.trace_id.hex()}-{within.span_id.hex()}-{within.flags:02x}" == here
    assert [span.trace_id for _process, span in watcher.spans] == [within.trace_id]


def test_lines_about_the_sending_itself_are_written_and_not_sent(box, tmp_path, watcher):
    said = io.StringIO()
    with watching(box, tmp_path, logs=watcher.loki, traces=watcher.url):
        telemetry.configure_logs(box.settings.logs.model_copy(update={"level": "info", "format": "json"}), "test", stream=said)
        for number in range(3):
            with tracing.span("work", "internal"):
                log.info("said", number=number)
            receivers.flush(PATIENCE_S)
    assert watcher.events() == ["said", "said", "said"]
    calls = [line["purpose"] for line in map(json.loads, said.getvalue().splitlines()) if line["event"] == "outbound"]
    assert sorted(calls) == ["logs"] * 3 + ["traces"] * 3


def test_what_leaves_for_others_is_told(box, tmp_path, watcher):
    private = box.settings.network.model_copy(update={"private_hosts": ("127.0.0.1",)})
    with watching(box, tmp_path, logs=watcher.loki), Outbound(private).client("trial") as client:
        client.get(watcher.url)
        receivers.flush(PATIENCE_S)
    assert [told(line.attributes)["purpose"] for _process, line in watcher.lines] == ["trial"]


def test_a_line_holds_nothing_of_what_an_error_quotes(box, tmp_path, watcher):
    with watching(box, tmp_path, logs=watcher.loki):
        try:
            raise ValueError(" ".join(PLANTED))  # noqa: TRY301 - it has to have frames
        except ValueError as err:
            log.error("cron_failed", job="x", exc_info=err)  # noqa: TRY400 - as the box does it
        receivers.flush(PATIENCE_S)
    ((_process, line),) = watcher.lines
    assert told(line.attributes)["exception"].endswith("ValueError")
    for word in PLANTED:
        assert not any(word.encode() in body for body in watcher.raw)


class Quoting(DomainError):
    """Says what it was given."""


def test_of_a_line_goes_what_the_code_names_and_nothing_that_was_written(box, tmp_path, watcher):
    name, cpf, phone = PLANTED
    with watching(box, tmp_path, logs=watcher.loki):
        said = {"detail": cpf, "why": name, "message": phone, "error": f"{name} {cpf}", "reason": Quoting(phone), "name": "Érica"}
        log.info("said", document="ab12", **said)
        log.error("cron_failed", job="x", exc_info=Quoting(" ".join(PLANTED)))
        receivers.flush(PATIENCE_S)
    first, second = (told(line.attributes) for _process, line in watcher.lines)
    assert first == {"document": "ab12"}
    assert second == {"job": "x", "exception": f"{__name__}.Quoting"}
    assert not [word for word in PLANTED if word.encode() in b"".join(watcher.raw)]


def test_an_error_from_far_below_is_cut_to_where_it_was_raised(box, tmp_path, watcher):
    code = compile("def fall(n):\n    fall(n - 1) if n else 1 / 0\n", "cart\udcf3rio.py", "exec")
    falling = {}
    exec(code, falling)
    with watching(box, tmp_path, logs=watcher.loki):
        try:
            falling["fall"](500)
        except ZeroDivisionError as err:
            log.error("cron_failed", job="x", exc_info=err)  # noqa: TRY400 - as the box does it
        receivers.flush(PATIENCE_S)
    ((_process, line),) = watcher.lines
    lines = told(line.attributes)["exception"].splitlines()
    assert (len(lines), lines[-2:]) == (101, ['File "cart?rio.py", line 2, in fall', "builtins.ZeroDivisionError"])


def test_a_line_that_cannot_be_taken_is_written_and_counted(box, tmp_path, watcher, capsys):
    class Odd:
        def __str__(self):
            raise RuntimeError

    gone = untold("logs")
    with watching(box, tmp_path, logs=watcher.loki):
        log.info("said", name=Odd())
    assert untold("logs") - gone == 1
    assert "said" in capsys.readouterr().err


def test_a_receiver_that_hangs_holds_up_nobody_and_what_finds_no_room_is_counted(watcher):
    watcher.dawdles.set()
    gone = untold("hangs")
    belt = Belt(Receiver("hangs", f"{watcher.url}/nowhere", NetworkSettings(), {}), lambda things: bytes(len(things)), most=50, at_once=10)
    begun = time.monotonic()
    belt.put(0)
    until(lambda: watcher.asked)
    for number in range(200):
        belt.put(number)
    took = time.monotonic() - begun
    watcher.status = 404
    watcher.go_on()
    assert took < receivers.ANSWERS_S, "nobody waits for the answer"
    assert belt.hurry().wait(PATIENCE_S)
    assert untold("hangs") - gone == 201, "what found no room and what was not taken: each once"


def test_a_process_that_ends_waits_for_a_receiver_that_hangs_as_long_as_it_may_and_no_longer(watcher):
    watcher.dawdles.set()
    belt = Belt(Receiver("dawdles", watcher.url, NetworkSettings(), {}), lambda _things: b"x")
    belt.put(0)
    until(lambda: not belt._waiting.qsize())
    begun = time.monotonic()
    receivers.flush(0.5)
    assert time.monotonic() - begun < receivers.ANSWERS_S
    receivers._belts.clear()


def test_the_process_that_answers_requests_sends_what_is_left_while_it_closes(box, tmp_path, watcher, monkeypatch):
    monkeypatch.setattr(receivers, "EVERY_S", PATIENCE_S)
    with watching(box, tmp_path, logs=watcher.loki):
        with TestClient(live.build(box)) as client:
            assert client.get("/health/live").status_code == 200
            log.info("said")
        assert "said" in watcher.events()


def test_a_dead_receiver_is_said_once_a_minute_and_soon_left_alone(box, tmp_path):
    said, gone = io.StringIO(), untold("logs")
    with Watcher() as closed:
        address = closed.loki
    with watching(box, tmp_path, logs=address):
        telemetry.configure_logs(box.settings.logs.model_copy(update={"level": "info", "format": "json"}), "test", stream=said)
        for _ in range(8):
            log.info("said")
            receivers.flush(PATIENCE_S)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    (refused,) = [line for line in lines if line["event"] == "not_taken"]
    assert (refused["signal"], refused["number"]) == ("logs", 1)
    assert "127.0.0.1" in refused["why"]
    assert [line["outcome"] for line in lines if line["event"] == "outbound"] == ["error"] * 5 + ["open"] * 3
    assert untold("logs") - gone == 8


@pytest.mark.parametrize("what", ["logs", "traces", "dsn"])
def test_a_sealed_box_tells_nobody_outside_and_says_why(box, tmp_path, what):
    said = io.StringIO()
    address = "https://abc@8.8.8.8/1" if what == "dsn" else PUBLIC
    with watching(box, tmp_path, **{what: address}):
        telemetry.configure_logs(box.settings.logs.model_copy(update={"level": "info", "format": "json"}), "test", stream=said)
        with tracing.span("work", "internal"):
            log.error("cron_failed", exc_info=ValueError())
        receivers.flush(PATIENCE_S)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    (refused,) = [line for line in lines if line["event"] == "not_taken"]
    assert re.search(r"8\.8\.8\.8.*network\.mode", refused["why"])
    assert [line for line in lines if line["event"] == "outbound"] == []


def test_who_asks_for_a_rest_is_given_it(watcher):
    watcher.status, watcher.headers = 429, {"Retry-After": "3600"}
    gone, receiver = untold("rests"), Receiver("rests", watcher.url, NetworkSettings(), {})
    for _ in range(3):
        receiver.send(b"x", 2)
    assert (watcher.asked, untold("rests") - gone) == (1, 6)


def test_what_cannot_be_written_is_dropped_and_counted_and_holds_up_nothing(watcher, monkeypatch):
    monkeypatch.setattr(watcher, "take", lambda _path, _headers, body: watcher.raw.append(body) or b"")
    gone, packed = untold("bug"), []

    def pack(things):
        packed.append(things)
        return bytes(1 // (len(packed) - 1))

    belt = Belt(Receiver("bug", watcher.url, NetworkSettings(), {}), pack, at_once=1)
    belt.put("a")
    assert belt.hurry().wait(PATIENCE_S)
    belt.put("b")
    assert belt.hurry().wait(PATIENCE_S)
    assert (packed, untold("bug") - gone) == ([["a"], ["b"]], 1)
    assert watcher.raw == [b"\0"]


def test_a_message_that_is_full_goes_at_once_and_all_that_came_goes(watcher, monkeypatch):
    monkeypatch.setattr(receivers, "EVERY_S", 10 * PATIENCE_S)
    monkeypatch.setattr(watcher, "take", lambda _path, _headers, body: watcher.raw.append(body) or b"")
    belt = Belt(Receiver("flood", watcher.url, NetworkSettings(), {}), lambda things: b"x" * len(things), at_once=5)
    gone = untold("flood")
    for _ in range(20):
        belt.put("a")
    until(lambda: sum(map(len, watcher.raw)) == 20)
    for _ in range(7):
        belt.put("a")
    assert belt.hurry().wait(PATIENCE_S)
    assert (sum(map(len, watcher.raw)), untold("flood") - gone) == (27, 0)


def test_what_is_too_much_for_one_message_goes_in_several(watcher, monkeypatch):
    monkeypatch.setattr(receivers, "MOST_BYTES", 10)
    monkeypatch.setattr(watcher, "take", lambda _path, _headers, body: watcher.raw.append(body) or b"")
    belt = Belt(Receiver("much", watcher.url, NetworkSettings(), {}), lambda things: "".join(things).encode(), at_once=5)
    for thing in ("a" * 4, "b" * 4, "c" * 30, "d", "e"):
        belt.put(thing)
    assert belt.hurry().wait(PATIENCE_S)
    assert b"".join(watcher.raw) == b"aaaabbbb" + b"c" * 30 + b"de"
    assert max(map(len, watcher.raw)) == 30, "what is too much by itself goes by itself"


FORKING = """
import os, sys
import structlog
from appliance.core import receivers, telemetry
from appliance.core.config import LogSettings, NetworkSettings
from appliance.core.otlp_lines import Lines

telemetry.configure_logs(LogSettings(level="info"), "parent")
receiver = receivers.Receiver("logs", sys.argv[1], NetworkSettings(), receivers.PROTOBUF)
telemetry.pass_on_to(Lines({"service.name": "salesedge-parent", "service.namespace": "salesedge"}, receiver).tell)
log = structlog.get_logger()
log.info("before")
for number in range(3):
    pid = os.fork()
    if pid == 0:
        log.info("in_a_fork", number=number)
        receivers.flush(60)
        os._exit(0)
    os.waitpid(pid, 0)
log.info("after")
"""


def test_a_fork_tells_its_own_lines_and_its_parent_the_rest_when_it_ends(watcher):
    command = [sys.executable, "-c", FORKING, f"{watcher.loki}/v1/logs"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, env=dict(os.environ), timeout=300)
    assert sorted(watcher.events()) == ["after", "before", "in_a_fork", "in_a_fork", "in_a_fork"]


STALLED = """
import os, sys, threading, time, traceback
import structlog
from appliance.core import receivers, telemetry
from appliance.core.config import LogSettings, NetworkSettings
from appliance.core.otlp_lines import Lines

reads, writes = os.pipe()
telemetry.configure_logs(LogSettings(level="info"), "parent", stream=os.fdopen(writes, "w", buffering=1))
receiver = receivers.Receiver("logs", sys.argv[1], NetworkSettings(), receivers.PROTOBUF)
telemetry.pass_on_to(Lines({"service.name": "salesedge-parent", "service.namespace": "salesedge"}, receiver).tell)
log = structlog.get_logger()
os.set_blocking(writes, False)
try:
    while True:
        os.write(writes, b"x" * 4096)
except BlockingIOError:
    pass
os.set_blocking(writes, True)
writing = threading.Thread(target=lambda: log.info("while_nobody_reads"), daemon=True)
writing.start()
while not any(frame.f_code.co_name == "msg" for frame, _line in traceback.walk_stack(sys._current_frames().get(writing.ident))):
    time.sleep(0.01)
pid = os.fork()
if pid == 0:
    log.info("in_a_fork")
    os._exit(0)
threading.Thread(target=lambda: [os.read(reads, 65536) for _ in range(10000)], daemon=True).start()
os.waitpid(pid, 0)
os._exit(0)
"""


def test_a_fork_that_begins_while_nobody_reads_the_log_does_not_hang(watcher):
    command = [sys.executable, "-c", STALLED, f"{watcher.loki}/v1/logs"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, env=dict(os.environ), timeout=PATIENCE_S)


HELD = """
import os, sys
from appliance.core import receivers
from appliance.core.config import NetworkSettings

receiver = receivers.Receiver("held", sys.argv[1], NetworkSettings(), {})
receiver._breakers._lock.acquire()
pid = os.fork()
if pid == 0:
    receiver.send(b"x", 1)
    os._exit(0)
os._exit(os.waitpid(pid, 0)[1])
"""


def test_a_fork_that_begins_while_another_thread_holds_a_lock_does_not_hang(watcher):
    subprocess.run([sys.executable, "-c", HELD, watcher.url], check=True, cwd=ROOT, capture_output=True, timeout=PATIENCE_S)
    assert watcher.asked == 1


def test_off_nothing_of_it_is_imported():
    script = (
        "import sys; import appliance.entrypoints.boot, appliance.entrypoints.worker\n"
        "heavy = ('opentelemetry', 'sentry_sdk', 'urllib3')\n"
        "print([name for name, one in sys.modules.items() if name.startswith(heavy) and getattr(one, '__file__', None)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(ROOT))
    assert done.stdout.strip() == "[]"
