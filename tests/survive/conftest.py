import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from appliance.core import breaker, clock, deliveries
from appliance.core.config import NetworkMode
from appliance.core.ids import new_id
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as channel_queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from tests.domains.channels.conftest import conversation_id, inbox, meta, post, read_in  # noqa: F401 - fixtures
from tests.domains.conftest import door  # noqa: F401 - a fixture
from tests.draining import run_due
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer
from tests.peers.line import Line


@pytest.fixture
def graph():
    with GraphPeer() as peer:
        yield peer


@pytest.fixture
def line(graph):
    """The box's way to the Graph API."""
    found = Line(int(graph.url.rsplit(":", 1)[1].split("/")[0]))
    yield found
    found.close()


@pytest.fixture
def settings(settings, line):
    url = f"http://127.0.0.1:{line.port}/v23.0"
    network = {"mode": NetworkMode.CONNECTED, "private_hosts": ("127.0.0.1",), "timeout_s": 20.0}
    return settings.model_copy(
        update={
            "channels": settings.channels.model_copy(update={"graph_url": url}),
            "network": settings.network.model_copy(update=network),
        }
    )


@pytest.fixture
def cloud(box, tenant_id):
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    given = ChannelIn(kind="whatsapp_cloud", name="WhatsApp", external_id=NUMBER, secrets=secrets)
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, given).id


class Hours:
    """The box's clock, which can be put forward. Nothing else of the machine is moved."""

    def __init__(self, box, monkeypatch):
        self._box, self._ahead, self._now = box, timedelta(0), clock.now
        monkeypatch.setattr(clock, "now", lambda: self._now() + self._ahead)
        steady = SimpleNamespace(monotonic=lambda: time.monotonic() + self._ahead.total_seconds())
        monkeypatch.setattr(breaker, "time", steady)

    def pass_(self, span):
        """Everything that falls due in this time is done when it does."""
        end = clock.now() + span
        run_due(self._box)
        while (due := self._next()) is not None and due < end:
            self._ahead += max(due - clock.now(), timedelta(0)) + timedelta(milliseconds=1)
            run_due(self._box)
        self._ahead += max(end - clock.now(), timedelta(0))
        run_due(self._box)

    def _next(self):
        with self._box.whole_box("test", read_only=True) as uow:
            return deliveries.find_next_due(uow)


@pytest.fixture
def hours(box, monkeypatch):
    return Hours(box, monkeypatch)


@pytest.fixture
def say(box, tenant_id):
    """A person writes; the message's id."""

    def reply(talk, text):
        with box.unit(tenant_id) as uow:
            return conversations.reply(uow, talk, user_id=new_id(), content={"text": text}).id

    return reply


@pytest.fixture
def message(box, tenant_id):
    def read(message_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return threads.get_message(uow, message_id)

    return read


@pytest.fixture
def channel(box, tenant_id):
    def read(channel_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return channel_queries.get_channel(uow, channel_id)

    return read
