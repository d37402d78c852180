"""How fast signed leads become contacts: python -m tests.bench.bench_leads [SECONDS].

The process that answers in `salesedge up`, on the embedded, encrypted store, over loopback: signature, contact, lead, history and event in one
transaction that is committed before the 200. One lead in five is of somebody known; one in twenty is sent twice. Afterwards every event that
was answered has to be there once.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from appliance.core.web import PageQuery
from appliance.domains.contacts.queries import count_contacts
from appliance.domains.contacts.schemas import ContactFilter
from appliance.domains.leads import actions, queries
from appliance.domains.leads.rules.signatures import sign
from appliance.domains.leads.schemas import SourceIn
from appliance.domains.leads.tables import LeadEvent
from tests.bench.bench_webhook import FRONT, P95_LIMIT_MS, RATE, Load, fill, free_port, prepare, running
from tests.bench.webhook_load import request
from tests.servers import redis_server

KNOWN_EVERY, TWICE_EVERY = 5, 20


def leads(source_id: str, secret: str, label: str, first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        event = number - 1 if number % TWICE_EVERY == TWICE_EVERY - 1 else number
        person = event - 1 if event % KNOWN_EVERY == KNOWN_EVERY - 1 else event
        body = json.dumps(
            {
                "event_id": f"{label}{event}", "nome": f"João Conceição {person}", "email": f"pessoa{person}@loja.example",
                "telefone": f"(11) 9{80_000_000 + person}", "empresa": f"Loja {person % 97}", "utm": {"utm_source": "google", "utm_campaign": "natal"},
            }
        ).encode()  # fmt: skip
        stamp = str(int(time.time()))
        yield request(f"/webhooks/leads/{source_id}", {"X-Timestamp": stamp, "X-Signature": sign(secret, stamp, body)}, body)


def events_of(sent: int) -> int:
    return sent - sum(number % TWICE_EVERY == TWICE_EVERY - 1 for number in range(sent))


def main(seconds: float) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        with redis_server(folder) as address:
            port = free_port()
            box, environ = prepare(folder / "home", address)
            tenant_id = fill(box)
            with box.unit(tenant_id) as uow:
                source = actions.create_source(uow, SourceIn(name="Bench"))
                wanted = partial(leads, str(source.id), source.secrets[queries.SECRET])
            with running(FRONT, {**environ, "SALESEDGE__SERVER__PORT": str(port)}, port) as pid:
                load = Load(port, "a", pid, wanted)
                load.run("captured, first", 3, rate=RATE // 4)
                _, p95 = load.run(f"captured at {RATE}/s", seconds, rate=RATE)
                load.run("captured, 16 callers", seconds)
            with box.unit(tenant_id, read_only=True) as uow:
                kept = uow.session.scalar(select(func.count(LeadEvent.id))) or 0
                people = count_contacts(uow, ContactFilter())
                assert queries.list_sources(uow, PageQuery()).total == 1
            box.close()
    print(f"{load.sent} answered 200: {kept} events, {people} contacts")
    return 0 if p95 <= P95_LIMIT_MS and kept == events_of(load.sent) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
