"""The webhook's address when things go wrong around it."""

import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from appliance.core import metrics
from appliance.core.errors import Unavailable
from appliance.core.signatures import sign
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.entrypoints.webhooks import Webhooks
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY

BODY = b'{"entry": [{"changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": "%s"}}}]}]}' % NUMBER.encode()
SIGNED = {"X-Hub-Signature-256": sign(SECRET, BODY)}


@pytest.fixture
def webhooks(box, tenant_id):
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    with box.unit(tenant_id) as uow:
        channels.create_channel(uow, ChannelIn(kind="whatsapp_cloud", name="W", external_id=NUMBER, secrets=secrets))
    webhooks = Webhooks(box, then=Starlette())
    yield webhooks
    webhooks.close()


@pytest.fixture
def answer_to(webhooks):
    """What Meta hears when keeping its webhook raises this."""

    def ask(err):
        async def fail(*_):
            raise err

        webhooks.cloud.group.add = fail
        with TestClient(webhooks) as door:
            return door.post("/webhooks/whatsapp", content=BODY, headers=SIGNED)

    return ask


def test_a_full_queue_answers_503_and_when_to_come_again(answer_to):
    answer = answer_to(Unavailable("busy", retry_after=5))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_busy_database_or_a_full_disk_answers_503(answer_to):
    answer = answer_to(OperationalError("insert", {}, Exception("disk")))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "disk space" in answer.json()["detail"] or "disco" in answer.json()["detail"]


def test_a_bug_answers_500_without_saying_what_it_was(answer_to):
    answer = answer_to(KeyError("5531999990001"))
    assert answer.status_code == 500
    assert "5531" not in answer.text


def test_every_answer_carries_its_number_and_is_counted(webhooks):
    with TestClient(webhooks) as door:
        answer = door.post("/webhooks/whatsapp", content=BODY, headers=SIGNED)
    assert (answer.status_code, answer.text, len(answer.headers["x-request-id"])) == (200, "", 32)
    assert b'route="/webhooks/whatsapp",status="200"' in metrics.exposition()


def test_other_addresses_go_on(webhooks):
    with TestClient(webhooks) as door:
        assert door.get("/elsewhere").status_code == 404
