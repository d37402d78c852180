"""`python -m tests.domains.channels.dying`: a worker that is killed when an envelope is read and not yet committed."""

import os
import signal

from sqlalchemy import select

from appliance.core import jobs
from appliance.core.box import open_box
from appliance.core.config import load_settings
from appliance.core.outbox import Delivery
from appliance.domains.channels.actions import envelopes
from appliance.entrypoints.domains import MANIFESTS


def main() -> None:
    box = open_box(load_settings(), MANIFESTS)
    envelopes.receive_changes = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    with box.whole_box("test", read_only=True) as uow:
        [delivery] = uow.session.scalars(select(Delivery).where(Delivery.subscriber.endswith("store_webhooks"))).all()
    jobs.deliver(box, delivery.tenant_id, delivery.id)


if __name__ == "__main__":
    main()
