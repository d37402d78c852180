"""A number moves from the QR link to the Cloud API: what was said stays, and what is said next goes on in the same conversation."""

import time

import pytest

from appliance.core.ids import new_id
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import inbound, wire
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION, WHATSAPP_CLOUD, ChannelStatus
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import MessageStatus
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, text_webhook

pytestmark = pytest.mark.only_database("sqlite")
CUSTOMER = "5531999990001"  # as text_webhook has it
MOVE = {"external_id": NUMBER, "secrets": {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}}


@pytest.fixture
def number(box, tenant_id):
    with box.unit(tenant_id) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        actions.accept_risk(uow, channel.id, RISK_VERSION)
        return channel.id


@pytest.fixture
def cloud(number):
    """The door knows the number once it has moved."""
    return number


@pytest.fixture
def heard(box, tenant_id, number):
    key = wire.Key(f"{CUSTOMER}@s.whatsapp.net", "3A01", remote_jid_alt="111222@lid")
    said = wire.encode(wire.Message(key, "Davi", int(time.time()), "text", {"text": "pelo QR"})).decode()
    with box.unit(tenant_id) as uow:
        actions.receive_changes(uow, queries.get_channel(uow, number), list(inbound.changes_of(said)))
        actions.keep_envelopes(uow, number, [said.replace("3A01", "3A02").replace("pelo QR", "ainda no envelope")])


@pytest.mark.usefixtures("heard", "graph")
def test_what_was_said_stays_and_the_next_word_goes_on(client, box, tenant_id, number, inbox, post, run_deliveries):
    [(thread, _)] = inbox()
    with box.unit(tenant_id) as uow:
        waiting = conversations.reply(uow, thread.id, user_id=new_id(), content={"text": "espera a vez"}).id
    moved = client.post(f"/api/v1/channels/{number}/move", json=MOVE)
    assert (moved.status_code, moved.json["kind"], moved.json["status"]) == (200, WHATSAPP_CLOUD, ChannelStatus.NEW)
    post(text_webhook("pela Cloud API"))
    run_deliveries()
    [(after, messages)] = inbox()
    assert (after.id, after.channel_kind, after.window_hours, after.contact_id) == (thread.id, WHATSAPP_CLOUD, 24, thread.contact_id)
    texts = {message.content["text"]: message for message in messages}
    assert set(texts) == {"pelo QR", "ainda no envelope", "espera a vez", "pela Cloud API"}
    assert (texts["espera a vez"].id, texts["espera a vez"].status) == (waiting, MessageStatus.SENT)
    assert client.get(f"/api/v1/channels/{number}/link").status_code == 404


def test_a_linked_number_is_unlinked_first(client, box, tenant_id, number):
    with box.unit(tenant_id) as uow:
        actions.note_open(uow, number, jid="5511@s.whatsapp.net", lid="", push_name="Loja")
    refused = client.post(f"/api/v1/channels/{number}/move", json=MOVE)
    assert (refused.status_code, "Unlink" in refused.json["detail"]) == (409, True)


def test_what_cannot_move_is_told_why(client, box, tenant_id, number):
    address = f"/api/v1/channels/{number}/move"
    assert client.post(address, json={**MOVE, "secrets": {"access_token": TOKEN}}).status_code == 422
    assert client.post(address, json={**MOVE, "external_id": "no digits"}).status_code == 422
    with box.unit(tenant_id) as uow:
        other = actions.create_channel(uow, ChannelIn(kind="whatsapp_cloud", name="Oficial", **MOVE)).id
    assert client.post(address, json=MOVE).status_code == 422
    assert client.post(f"/api/v1/channels/{other}/move", json=MOVE).status_code == 409
