"""`python -m tests.domains.channels.email.posting_dying CHANNEL SECRET`: a mail is taken, and its reader killed with all of it stored and
nothing committed."""

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
from appliance.domains.channels import actions
from appliance.entrypoints.domains import MANIFESTS
from appliance.entrypoints.webhooks import Webhooks
from tests.domains.channels.email.conftest import mail


def main(channel_id: str, secret: str) -> None:
    box = open_box(load_settings(), MANIFESTS)
    sent = mail()
    sent.add_attachment(b"%PDF-1.7\n%%EOF", maintype="application", subtype="pdf", filename="conta.pdf")
    body, stamp = sent.as_bytes(), str(int(time.time()))
    with TestClient(Webhooks(box, then=Starlette())) as door:
        signed = {"X-Timestamp": stamp, "X-Signature": sign_timed(secret, stamp, body)}
        assert door.post(f"/webhooks/email/{channel_id}", content=body, headers=signed).is_success
    take_in = actions.take_in_posted
    actions.take_in_posted = lambda *given: (take_in(*given), os.kill(os.getpid(), signal.SIGKILL))
    with box.whole_box("test", read_only=True) as uow:
        [delivery] = uow.session.scalars(select(Delivery).where(Delivery.subscriber == "channels.read_posted_mail")).all()
    jobs.deliver(box, delivery.tenant_id, delivery.id)


if __name__ == "__main__":
    main(*sys.argv[1:])
