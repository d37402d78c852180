"""`python -m tests.survive.leads_dying SOURCE SECRET`: one process killed when it kept a lead and did not answer, one when it captured it
and did not commit."""

import os
import signal
import sys
import time

from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from appliance.core import jobs
from appliance.core.box import open_box
from appliance.core.config import load_settings
from appliance.core.outbox import Delivery
from appliance.core.signatures import sign_timed
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.leads.actions import waiting
from appliance.domains.leads.manifest import MANIFEST as LEADS
from appliance.entrypoints import bodies
from appliance.entrypoints.webhooks import Webhooks

BODY = b'{"event_id": "e1", "nome": "Davi Rocha", "email": "davi@loja.example"}'


def die(*_given):
    os.kill(os.getpid(), signal.SIGKILL)


def capture(box):
    as_it_is = waiting.capture_foreseen
    waiting.capture_foreseen = lambda *given: die(as_it_is(*given))
    with box.whole_box("test", read_only=True) as uow:
        [delivery] = uow.session.scalars(select(Delivery).where(Delivery.subscriber == "leads.capture_leads")).all()
    jobs.deliver(box, delivery.tenant_id, delivery.id)


def accept(box, source_id, secret):
    bodies.respond = die
    stamp = str(int(time.time()))
    with TestClient(Webhooks(box, then=Starlette())) as door:
        signed = {"X-Timestamp": stamp, "X-Signature": sign_timed(secret, stamp, BODY)}
        door.post(f"/webhooks/leads/{source_id}", content=BODY, headers=signed)


def in_a_process_of_its_own(work, *given):
    child = os.fork()
    if not child:
        work(open_box(load_settings(), (CONTACTS, LEADS)), *given)
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status


if __name__ == "__main__":
    in_a_process_of_its_own(accept, *sys.argv[1:])
    in_a_process_of_its_own(capture)
