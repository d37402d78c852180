"""How fast signed leads are accepted, and become contacts: python -m tests.bench.bench_leads [SECONDS].

The process that answers in `salesedge up`, on the embedded, encrypted store, over loopback: signature, then the event kept and committed before
the 200; workers capture it afterwards: contact, lead, history and event in one transaction. One lead in five is of somebody known; one in
twenty is sent twice. In the end every event that was answered has to be one lead's, once.

Beside it the way it was done before, without any web: each lead captured while its sender waits, one transaction each.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.box import Box
from appliance.core.signatures import sign_timed
from appliance.domains.contacts.queries import count_contacts
from appliance.domains.contacts.schemas import ContactFilter
from appliance.domains.leads import actions, queries
from appliance.domains.leads.schemas import SourceIn
from appliance.domains.leads.tables import LeadEvent
from appliance.domains.leads.types import Arrived
from tests.bench.bench_webhook import FRONT, P95_LIMIT_MS, RATE, READ_S, Load, cpu_seconds, fill, free_port, prepare, running
from tests.bench.webhook_load import request
from tests.servers import redis_server

KNOWN_EVERY, TWICE_EVERY = 5, 20
AT_ONCE = 200  # captured as it was before, to compare with


def payload(label: str, number: int) -> dict[str, object]:
    event = number - 1 if number % TWICE_EVERY == TWICE_EVERY - 1 else number
    person = event - 1 if event % KNOWN_EVERY == KNOWN_EVERY - 1 else event
    return {
        "event_id": f"{label}{event}", "nome": f"João Conceição {label}{person}", "email": f"{label}pessoa{person}@loja.example",
        "telefone": f"(11) 9{80_000_000 + person}", "empresa": f"Loja {person % 97}", "utm": {"utm_source": "google", "utm_campaign": "natal"},
    }  # fmt: skip


def leads(source_id: str, secret: str, label: str, first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        body = json.dumps(payload(label, number)).encode()
        stamp = str(int(time.time()))
        yield request(f"/webhooks/leads/{source_id}", {"X-Timestamp": stamp, "X-Signature": sign_timed(secret, stamp, body)}, body)


def events_of(sent: int) -> int:
    return sent - sum(number % TWICE_EVERY == TWICE_EVERY - 1 for number in range(sent))


def count(box: Box, *which: object) -> int:
    with box.whole_box("bench", read_only=True) as uow:
        return uow.session.scalar(select(func.count(LeadEvent.id)).where(*which)) or 0  # type: ignore[arg-type]


@contextmanager
def worker() -> Iterator[int]:
    command = [sys.executable, "-m", "appliance.entrypoints.worker"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def drain(box: Box, pid: int, what: str) -> float:
    """Until none waits. Returns the worker's CPU, in ms a lead."""
    waited = count(box, *queries.IS_WAITING)
    while (found := count(box, *queries.IS_WAITING)) == waited > 0:
        time.sleep(0.05)  # it is still being started
    began, used = time.monotonic(), cpu_seconds(pid)
    while count(box, *queries.IS_WAITING):
        assert time.monotonic() < began + READ_S, "the worker did not capture what waits"
        time.sleep(0.2)
    spent = (cpu_seconds(pid) - used) / max(found, 1) * 1000
    if found:
        print(f"{what:<34} {found / (time.monotonic() - began):7.1f}/s  {found} waited  CPU {spent:5.2f} ms each (worker)", flush=True)
    return spent


def while_captured(load: Load, box: Box, pid: int, seconds: float) -> float:
    """p95 in ms of who sends while a worker captures; prints what it captured meanwhile."""
    done, used = count(box, LeadEvent.lead_id.is_not(None)), cpu_seconds(pid)
    _, p95 = load.run(f"accepted at {RATE}/s, worker at it", seconds, rate=RATE)
    captured = count(box, LeadEvent.lead_id.is_not(None)) - done
    spent = (cpu_seconds(pid) - used) / max(captured, 1) * 1000
    print(f"{'captured meanwhile':<34} {captured / seconds:7.1f}/s  {count(box, *queries.IS_WAITING)} wait  CPU {spent:5.2f} ms each (worker)", flush=True)
    return p95


def as_before(box: Box, tenant_id: UUID, source_id: UUID) -> float:
    """ms of CPU for each lead that is captured while its sender waits."""
    used = time.process_time()
    for number in range(AT_ONCE):
        said = payload("before", number)
        with box.unit(tenant_id) as uow:
            actions.capture_lead(uow, source_id, Arrived("", json.dumps(said), said))
    return (time.process_time() - used) / AT_ONCE * 1000


def main(seconds: float) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        with redis_server(folder) as address:
            port = free_port()
            box, environ = prepare(folder / "home", address)
            os.environ.update(environ)
            tenant_id = fill(box)
            with box.unit(tenant_id) as uow:
                source = actions.create_source(uow, SourceIn(name="Bench"))
                source_id, wanted = source.id, partial(leads, str(source.id), source.secrets[queries.SECRET])
            with running(FRONT, {**environ, "SALESEDGE__SERVER__PORT": str(port)}, port) as pid:
                load = Load(port, "a", pid, wanted)
                load.run("accepted, first", 3, rate=RATE // 4)
                used, sent = cpu_seconds(pid), load.sent
                _, p95 = load.run(f"accepted at {RATE}/s", seconds, rate=RATE)
                each = (cpu_seconds(pid) - used) / (load.sent - sent) * 1000
                load.run("accepted, 16 callers", seconds / 2)
                with worker() as worker_pid:
                    drain(box, worker_pid, "captured by one worker")
                    p95 = max(p95, while_captured(load, box, worker_pid, seconds))
                    drain(box, worker_pid, "captured by one worker, the rest")
            kept, done = count(box), count(box, LeadEvent.lead_id.is_not(None))
            before = as_before(box, tenant_id, source_id)
            with box.unit(tenant_id, read_only=True) as uow:
                people = count_contacts(uow, ContactFilter())
            box.close()
    print(f"{load.sent} answered 200: {kept} events, {done} of them leads', {people} contacts")
    print(f"captured while the sender waits: CPU {before:.2f} ms each; accepted first: {each:.2f} ms, {before / each:.1f} times as cheap")
    return 0 if p95 <= P95_LIMIT_MS and kept == done == events_of(load.sent) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
