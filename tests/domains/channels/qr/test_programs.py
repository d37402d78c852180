"""All of it at once: a linked number's child, the supervisor, and somebody else's program that hears it and answers by it."""

import time

import pytest

from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.rules import warming
from appliance.domains.feeds import actions
from appliance.domains.feeds.schemas import FeedIn
from tests.domains.channels.qr.conftest import said
from tests.peers.listener import Listener

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"network": settings.network.model_copy(update={"private_hosts": ("127.0.0.1",)})})


@pytest.fixture
def program(box, tenant_id, number, run_deliveries, monkeypatch):
    """Listens in Evolution's words; `hears` waits for an event of that name."""
    monkeypatch.setattr(warming, "_STEPS", ((0, 1000, 0.01),))
    with Listener() as peer:
        with box.unit(tenant_id) as uow:
            actions.set_feed(uow, number, FeedIn(url=peer.url, shape="evolution"))

        def hears(event, wanted=lambda _: True):
            deadline = time.monotonic() + 60
            while True:
                run_deliveries()
                if found := [body["data"] for body in peer.bodies if body["event"] == event and wanted(body["data"])]:
                    return found[-1]
                assert time.monotonic() < deadline, [body["event"] for body in peer.bodies]
                time.sleep(0.05)

        peer.hears = hears
        yield peer


def test_a_program_hears_a_customer_answers_and_is_told_that_it_was_read(program, opened, phones, client, number):
    assert program.hears("connection.update", lambda data: data["state"] == "open")["statusReason"] == 200
    phones.say(said("Quanto custa?", "3A01"))
    asked = program.hears("messages.upsert")
    assert (asked["message"], asked["pushName"]) == ({"conversation": "Quanto custa?"}, "Davi")
    body = {"number": asked["key"]["remoteJid"], "text": "R$ 10", "quoted": {"key": asked["key"]}}
    answer = client.post(f"/evolution/message/sendText/{number}", json=body)
    assert answer.status_code == 201, answer.text
    sent = program.hears("send.message")
    assert (sent["key"], sent["status"]) == (answer.json["key"], "SERVER_ACK")
    [left] = phones.sent
    phones.say(wire.Receipt((left["provider_id"],), "read", int(time.time()), asked["key"]["remoteJid"]))
    assert program.hears("messages.update")["keyId"] == answer.json["key"]["id"]
    assert program.hears("messages.update")["status"] == "READ"
