"""A mailbox that holds 50,000 mails already: `python -m tests.bench.bench_mailbox [mails]`.

A real Dovecot with as many files in its Maildir; the box links it, takes in one new mail, then 200 that came together, and is
restarted. Printed: seconds and processor time of the box, and what its memory grew by. The server's own work is not the box's.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import func, select

from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations.tables import Message
from appliance.entrypoints.domains import MANIFESTS
from appliance.entrypoints.mail import Watch
from tests.bench.knowledge_box import KnowledgeBox, knowledge_box
from tests.domains.channels.email.conftest import OURS, mail
from tests.peers import dovecot

TOGETHER = 200
LIMIT_S = 300


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def kept_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(name: str, until: Callable[[], bool]) -> None:
    began, cpu, memory = time.perf_counter(), spent(), kept_mb()
    while not until():
        if time.perf_counter() - began > LIMIT_S:
            raise SystemExit(f"{name}: not in {LIMIT_S} s")
        time.sleep(0.02)
    print(f"  {name:<28} {time.perf_counter() - began:6.2f} s   CPU {spent() - cpu:6.3f} s   peak memory +{kept_mb() - memory:.1f} MB")


def link(filled: KnowledgeBox, port: int) -> UUID:
    config = {"address": OURS, "imap_host": "127.0.0.1", "imap_port": port, "imap_security": "none", "smtp_host": "127.0.0.1"}
    secrets = {"user": dovecot.USER, "password": dovecot.PASSWORD}
    with filled.box.unit(filled.tenant_id) as uow:
        return actions.create_channel(uow, ChannelIn(kind="email", name="V", config=config, secrets=secrets)).id


def main(arguments: Sequence[str]) -> int:
    mails = int(arguments[0]) if arguments else 50_000
    if dovecot.PROGRAM is None:
        print("Dovecot is not installed (apt-get install dovecot-imapd).")
        return 0
    os.environ["SALESEDGE__NETWORK__PRIVATE_HOSTS"] = '["127.0.0.1"]'
    with dovecot.Dovecot() as server, knowledge_box(manifests=MANIFESTS) as filled:
        server.deliver(mail("antigo").as_bytes(), count=mails)
        channel_id = link(filled, server.port)

        def count() -> int:
            with filled.box.unit(filled.tenant_id, read_only=True) as uow:
                return uow.session.scalar(select(func.count(Message.id))) or 0

        def is_linked() -> bool:
            with filled.box.unit(filled.tenant_id, read_only=True) as uow:
                place = queries.find_mailbox(uow, channel_id)
                return place is not None and place.source != ""

        print(f"a mailbox of {mails} mails")
        watch = start(filled, channel_id)
        measured("linked", is_linked)
        server.deliver(mail("novo", message_id="<novo@cliente.example>").as_bytes())
        measured("one new mail stored", lambda: count() == 1)
        for number in range(TOGETHER):
            server.deliver(mail(f"n{number}", message_id=f"<n{number}@cliente.example>").as_bytes())
        measured(f"{TOGETHER} together stored", lambda: count() == 1 + TOGETHER)
        watch.stop()
        watch.join(20)
        again = start(filled, channel_id)
        server.deliver(mail("depois", message_id="<depois@cliente.example>").as_bytes())
        measured("taken up again after a stop", lambda: count() == 2 + TOGETHER)
        again.stop()
        again.join(20)
    return 0


def start(filled: KnowledgeBox, channel_id: UUID) -> Watch:
    with filled.box.unit(filled.tenant_id, read_only=True) as uow:
        account = queries.get_account(uow, channel_id)
    watch = Watch(filled.box, account)
    watch.start()
    return watch


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
