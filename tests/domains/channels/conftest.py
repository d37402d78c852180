import json

import pytest
from sqlalchemy import select

from appliance.core import jobs
from appliance.core.ids import new_id
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.signatures import sign
from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.conversations import actions as conversation_actions
from appliance.domains.conversations import queries as conversations
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, settings_for, text_webhook
from tests.peers.graph_templates import WABA, webhook


@pytest.fixture
def graph():
    with GraphPeer() as peer:
        yield peer


@pytest.fixture
def settings(settings, graph):
    return settings_for(settings, graph, timeout_s=20.0)


@pytest.fixture
def cloud(box, tenant_id):
    given = ChannelIn(
        kind="whatsapp_cloud", name="WhatsApp", external_id=NUMBER,
        secrets={"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY},
    )
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, given).id


@pytest.fixture
def waba(box, tenant_id, cloud):
    """The number, with its account known."""
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, cloud, ChannelPatch(config={"waba_id": WABA}))
    return cloud


@pytest.fixture
def meta(door, cloud):
    """Post a webhook as Meta does."""

    def send(payload, *, secret=SECRET, headers=None):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = {"X-Hub-Signature-256": sign(secret, body), "Content-Type": "application/json"}
        return door.post("/webhooks/whatsapp", content=body, headers={**signed, **(headers or {})})

    return send


@pytest.fixture
def read_in(box):
    """What a worker does with envelopes, until none waits."""

    def waiting():
        with box.whole_box("test", read_only=True) as uow:
            open_states = DeliveryState.PENDING, DeliveryState.LEASED
            mine = Delivery.subscriber == "channels.store_webhooks", Delivery.state.in_(open_states)
            return uow.session.scalars(select(Delivery).where(*mine).order_by(Delivery.event_seq)).all()

    def run():
        done = set()
        while fresh := [one for one in waiting() if one.id not in done]:  # what is left of one is announced anew
            for delivery in fresh:
                jobs.deliver(box, delivery.tenant_id, delivery.id)
                done.add(delivery.id)

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


@pytest.fixture
def approved(box, tenant_id, graph, post, run_deliveries):
    """A template that Meta has looked at, with its file if it has one."""

    def approve(template_id):
        with box.unit(tenant_id) as uow:
            channels.submit_template(uow, template_id)
        run_deliveries()
        graph.templates.kept["9000"]["status"] = "APPROVED"
        post(webhook("APPROVED", 9000, time=4_000_000_000))
        return template_id

    return approve


@pytest.fixture
def here(box, tenant_id, asked):
    """A person of the team, in the conversation that the module calls `asked`."""
    ana = Actor("user", new_id(), "Ana Prado")

    def announce(state):
        with box.unit(tenant_id, ana, read_only=True) as uow:
            conversation_actions.announce(uow, asked, user_id=ana.id, state=state)

    return announce
