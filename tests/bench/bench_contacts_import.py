"""How long a large file takes to become contacts on the embedded store: python -m tests.bench.bench_contacts_import [ROWS] [xlsx]."""

import io
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import openpyxl

from appliance.core import crypto, db, files, telemetry
from appliance.core.box import Box, open_box
from appliance.core.config import Settings
from appliance.core.ids import new_id
from appliance.core.tenancy import TenantKey
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.api.files import read_table
from appliance.domains.contacts.manifest import MANIFEST
from appliance.domains.contacts.schemas import ContactsQuery, ImportStartIn
from tests.draining import run_due
from tests.servers import redis_server

LIMIT_S = 60.0
ROWS = 100_000


def make_csv(rows: int) -> bytes:
    """One in ten people appears twice; one phone in fifty is impossible, one e-mail in a hundred is none."""
    dice = random.Random(7)
    lines = ["nome;email;celular;empresa;UF;tags;cpf;cor"]
    for number in range(rows):
        person = number if dice.random() > 0.1 else dice.randrange(number + 1)
        email = f"pessoa{person}@loja{person % 97}.example" if dice.random() > 0.01 else "nada"
        phone = f"(11) 9{80_000_000 + person}" if dice.random() > 0.02 else "123"
        lines.append(f"João Conceição {person};{email};{phone};Loja {person % 997};SP;feira,vip;;azul")
    return "\n".join(lines).encode()


def as_workbook(text: bytes) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Contatos")
    for line in text.decode().splitlines():
        sheet.append(line.split(";"))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def open_embedded(home: Path, redis_address: str) -> Box:
    plain = Settings(home=home)
    key = home / "keys" / "master.key"
    crypto.create_master_key(key)
    settings = plain.model_copy(
        update={
            "redis": plain.redis.model_copy(update={"url": redis_address}),
            "keys": plain.keys.model_copy(update={"master_key_file": key}),
        }
    )
    telemetry.configure_logs(settings.logs.model_copy(update={"level": "error"}), "bench")
    box = open_box(settings, (MANIFEST,))
    db.Rows.metadata.create_all(box.database.engine)
    return box


def timed(what: str, started: float) -> float:
    seconds = time.perf_counter() - started
    print(f"{what:<44} {seconds:8.2f} s")
    return seconds


def make_tenant(box: Box) -> UUID:
    tenant_id = new_id()
    with box.whole_box("bench") as uow:
        uow.session.add(TenantKey(tenant_id=tenant_id, wrapped=box.keys.new_tenant_key(tenant_id)))
    return tenant_id


def import_file(box: Box, tenant_id: UUID, content: bytes) -> float:
    started, worked = time.perf_counter(), time.process_time()
    sheet = read_table(content)
    stored = files.put(box, tenant_id, io.BytesIO(content), files.Origin.ARRIVED)
    with box.unit(tenant_id) as uow:
        run = actions.create_import(uow, stored.id, "bench.csv", sheet)
        actions.start_import(uow, run.id, ImportStartIn())
    timed("read, store and start", started)
    run_due(box)
    total = timed("all of it", started)
    print(f"{'of that, work of this processor':<44} {time.process_time() - worked:8.2f} s")
    with box.unit(tenant_id, read_only=True) as uow:
        run = queries.get_import(uow, run.id)
        print(f"{run.status}: {run.rows_created} made, {run.rows_updated} completed, {run.rows_failed} left out of {run.rows_total}")
        asked = time.perf_counter()
        page = queries.list_contacts(uow, ContactsQuery(q="joao conceicao 4242", tag=["vip"]))
        timed(f"search among them ({page.total} found)", asked)
    return total


def main(rows: int, *, is_workbook: bool) -> int:
    content = as_workbook(make_csv(rows)) if is_workbook else make_csv(rows)
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as redis_address:
        box = open_embedded(Path(folder), redis_address)
        total = import_file(box, make_tenant(box), content)
        box.close()
    limit = LIMIT_S * rows / ROWS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{rows / total:.0f} rows/s, {total / limit:.2f} of the {limit:.0f} s allowed, peak {peak} MB")
    return 0 if total < limit else 1


if __name__ == "__main__":
    sys.exit(main(int(next(filter(str.isdigit, sys.argv[1:]), ROWS)), is_workbook="xlsx" in sys.argv))
