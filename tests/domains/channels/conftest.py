import json

import pytest

from appliance.core.web import PageQuery
from appliance.domains.channels import actions as channels
from appliance.domains.channels.rules.signature import sign
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import queries as conversations
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer


@pytest.fixture
def graph():
    with GraphPeer() as peer:
        yield peer


@pytest.fixture
def settings(settings, graph):
    return settings.model_copy(
        update={
            "channels": settings.channels.model_copy(update={"graph_url": graph.url}),
            "network": settings.network.model_copy(update={"private_hosts": ("127.0.0.1",), "timeout_s": 3.0}),
        }
    )


@pytest.fixture
def cloud(box, tenant_id):
    given = ChannelIn(
        kind="whatsapp_cloud", name="WhatsApp", phone_number_id=NUMBER,
        secrets={"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY},
    )
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, given).id


@pytest.fixture
def post(client, cloud):
    """Post a webhook as Meta does."""

    def send(payload, *, secret=SECRET, headers=None):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = {"X-Hub-Signature-256": sign(secret, body), "Content-Type": "application/json"}
        return client.post("/webhooks/whatsapp", data=body, headers={**signed, **(headers or {})})

    return send


@pytest.fixture
def inbox(box, tenant_id):
    """All conversations with their messages."""

    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            rows = conversations.list_conversations(uow, conversations.InboxFilter(), PageQuery()).items
            return [(row, conversations.list_messages(uow, row.id)) for row in rows]

    return read
