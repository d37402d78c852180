import json

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from appliance.core import jobs
from appliance.core.ids import new_id
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.signatures import sign
from appliance.core.web import PageQuery
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions as conversation_actions
from appliance.domains.conversations import queries as conversations
from appliance.entrypoints.webhooks import Webhooks
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, text_webhook


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
        kind="whatsapp_cloud", name="WhatsApp", external_id=NUMBER,
        secrets={"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY},
    )
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, given).id


@pytest.fixture
def door(box, cloud):
    """The address that Meta calls, as the process that holds the sockets answers it."""
    webhooks = Webhooks(box, then=Starlette())
    with TestClient(webhooks) as door:
        yield door
    webhooks.close()


@pytest.fixture
def meta(door):
    """Post a webhook as Meta does."""

    def send(payload, *, secret=SECRET, headers=None):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = {"X-Hub-Signature-256": sign(secret, body), "Content-Type": "application/json"}
        return door.post("/webhooks/whatsapp", content=body, headers={**signed, **(headers or {})})

    return send


@pytest.fixture
def read_in(box):
    """What a worker does with envelopes, until none waits."""

    def run():
        with box.whole_box("test", read_only=True) as uow:
            open_states = DeliveryState.PENDING, DeliveryState.LEASED
            mine = Delivery.subscriber == "channels.store_webhooks", Delivery.state.in_(open_states)
            waiting = uow.session.scalars(select(Delivery).where(*mine).order_by(Delivery.event_seq)).all()
        for delivery in waiting:
            jobs.deliver(box, delivery.tenant_id, delivery.id)

    return run


@pytest.fixture
def post(meta, read_in):
    """Post a webhook, and have it read."""

    def send(payload, **given):
        answer = meta(payload, **given)
        read_in()
        return answer

    return send


@pytest.fixture
def inbox(box, tenant_id):
    """All conversations with their messages."""

    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            rows = conversations.list_conversations(uow, conversations.InboxFilter(), PageQuery()).items
            return [(row, conversations.list_messages(uow, row.id)) for row in rows]

    return read


@pytest.fixture
def conversation_id(post, inbox):
    post(text_webhook("oi"))
    return inbox()[0][0].id


@pytest.fixture
def reply(box, tenant_id, conversation_id):
    def write(text="Olá!", **given):
        with box.unit(tenant_id) as uow:
            content = {"text": text, **given.pop("content", {})}
            return conversation_actions.reply(uow, conversation_id, user_id=new_id(), content=content, **given).id

    return write
