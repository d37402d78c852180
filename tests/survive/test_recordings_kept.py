"""The worker that has voice notes written down is killed while it listens: nothing is lost, and the words come once."""

import os
import time

import pytest
from sqlalchemy import select

from appliance.core import clock, jobs
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import Incoming, MessageKind, Person
from appliance.entrypoints import worker
from tests.modelserver import tiny_whisper
from tests.modelserver.running import Running
from tests.modelserver.sounds import sound
from tests.processes import FRESH

LIMIT_S = 180


def listen(environment):
    os.environ.update(environment)
    worker.run(worker.SPEECH)


@pytest.fixture
def models(settings, tmp_path):
    running = Running(tmp_path / "models")
    settings.run_dir.mkdir()
    running.socket = settings.modelserver_socket
    tiny_whisper.install(running.models, endless=True)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def start_worker(settings):
    started, environment = [], {
        "SALESEDGE_HOME": settings.home,
        "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file,
        "SALESEDGE__DATABASE__URL": settings.database.url,
    }  # fmt: skip

    def start():
        process = FRESH.Process(target=listen, args=({name: str(value) for name, value in environment.items()},))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


@pytest.fixture
def note(box, tenant_id, keep_file):
    """A voice note of twenty seconds, which the model here takes several to understand."""
    blob_id = str(keep_file(sound(seconds=20)).id)
    incoming = Incoming("in-1", MessageKind.AUDIO, {"media": {"mime_type": "audio/ogg", "blob_id": blob_id}}, clock.now())
    with box.unit(tenant_id) as uow:
        channel = channels.create_channel(uow, ChannelIn(kind="simulator", name="S"))
    with box.unit(tenant_id) as uow:
        person = Person((Identity(IdentityKind.WEBCHAT, "ana", channel.id.hex),), "Ana")
        channels.receive_changes(uow, channel, [Change((Spoken(person, "ana", (incoming,)),))])
        return conversations.find_by_provider_id(uow, channel.id, "in-1").id


@pytest.mark.slow
@pytest.mark.only_database("sqlite")
def test_a_worker_killed_while_it_listens_loses_nothing_and_the_next_writes_it_down_once(box, tenant_id, models, note, start_worker):
    def transcript():
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_message(uow, note).content["transcript"]

    first = start_worker()
    wait_until(lambda: listens(models))
    assert box.dispatcher.workers("speech") == 1
    first.kill()
    first.join()
    assert box.dispatcher.workers("speech") == 0
    wait_until(lambda: not listens(models), why="who is dead is listened to no further")
    assert transcript() == {"state": "waiting"}
    start_worker()
    wait_until(lambda: (jobs.sweep(box), delivered(box)[0])[1] is DeliveryState.DONE)
    assert delivered(box)[1] >= 2
    found = transcript()
    assert (found["state"], found["seconds"], found["text"] != "") == ("written", 20.0, True)
    with box.unit(tenant_id, read_only=True) as uow:
        assert len(uow.session.scalars(select(OutboxRow).where(OutboxRow.name == "message.transcribed")).all()) == 1


def listens(models):
    with models.client() as client:
        queues = client.get("/v1/memory").raise_for_status().json()["queues"]
    return any(one["name"] == tiny_whisper.NAME and one["inside"] for one in queues)


def delivered(box):
    with box.whole_box("test", read_only=True) as uow:
        one = uow.session.scalars(select(Delivery).where(Delivery.subscriber == "conversations.write_down")).one()
        return one.state, one.attempts


def wait_until(what, why=""):
    deadline = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.05)
