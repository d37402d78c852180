"""The addresses of linked numbers: what others ask of them, and who may."""

from collections import Counter
from uuid import UUID

import pytest

from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import RISK_VERSION
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.types import Identity, IdentityKind

PHONE = "5531999990001"


@pytest.fixture
def agent_id(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return agents.create_agent(uow, AgentIn(name="Lia")).id


@pytest.fixture
def linked(client, agent_id):
    """A number of the agent's, asked for and signed for."""
    answer = client.post(f"/api/v1/whatsapp/{agent_id}/sessions/init", json={"name": "Loja", "risk_version": RISK_VERSION})
    assert answer.status_code == 200, answer.text
    return answer.json["channel_id"]


def test_a_session_is_begun_seen_and_ended_by_its_agent(client, agent_id, linked):
    [session] = client.get(f"/api/v1/whatsapp/{agent_id}/status").json["sessions"]
    assert (session["channel_id"], session["state"], session["accepted_by"]) == (linked, "connecting", "Ana")
    assert "qr" not in session
    again = client.post(f"/api/v1/whatsapp/{agent_id}/sessions/init", json={})
    assert again.json["channel_id"] == linked
    assert client.delete(f"/api/v1/whatsapp/{agent_id}/sessions/{linked}").status_code == 204
    assert client.get(f"/api/v1/whatsapp/{agent_id}/sessions").json["sessions"][0]["ending"] == "unlinked"
    assert client.delete(f"/api/v1/whatsapp/{new_id()}/sessions/{linked}").status_code == 404
    assert client.post(f"/api/v1/whatsapp/{new_id()}/sessions/init", json={"risk_version": RISK_VERSION}).status_code == 404


def test_without_a_signature_it_is_refused_and_nothing_is_made(client, agent_id):
    answer = client.post(f"/api/v1/whatsapp/{agent_id}/sessions/init", json={})
    assert (answer.status_code, "risk" in answer.json["detail"]) == (422, True)
    assert client.get(f"/api/v1/whatsapp/{agent_id}/sessions").json["sessions"] == []


def test_an_agent_has_its_numbers_however_many_others_have(box, tenant_id, agent_id):
    with box.unit(tenant_id) as uow:
        for place in range(500):
            actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name=f"Loja {place}"))
        own = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Lia", agent_id=agent_id)).id
    with box.unit(tenant_id, read_only=True) as uow:
        assert [channel.id for channel, _ in queries.list_links_of_agent(uow, agent_id)] == [own]


def test_codes_are_for_those_who_may_link(client, linked, box, tenant_id, somebody):
    with box.unit(tenant_id) as uow:
        actions.show_qr(uow, UUID(linked), "2@code", 20)
    assert client.get(f"/api/v1/channels/{linked}/link/codes").json["qr"] == "2@code"
    somebody.may("channels:read")
    assert client.get(f"/api/v1/channels/{linked}/link/codes").status_code == 403
    assert "2@code" not in client.get(f"/api/v1/channels/{linked}/link").text


def test_nobody_is_written_to_who_never_wrote_nor_agreed(client, agent_id, linked, box, tenant_id):
    body = {"to": PHONE, "text": "Promoção!"}
    assert client.post(f"/api/v1/whatsapp/{agent_id}/send-message", json=body).status_code == 422
    with box.unit(tenant_id) as uow:
        contact_id = contacts.upsert_contact(uow, [Identity(IdentityKind.WHATSAPP, PHONE)]).id
    consent = {"channel": "whatsapp", "purpose": "service", "source": "form", "mode": "opt_in"}
    agreed = client.post(f"/api/v1/contacts/{contact_id}/consents", json=consent)
    assert agreed.status_code < 300, agreed.text
    answer = client.post(f"/api/v1/whatsapp/{agent_id}/send-message", json=body)
    assert (answer.status_code, answer.json["status"]) == (201, "queued")


def test_the_connection_tells_whether_anybody_watches(client, agent_id, linked):
    assert client.get(f"/api/v1/debug/whatsapp/{agent_id}/connection").json["supervisor"] is False


def test_the_risk_is_told_with_its_reasons(client, linked):
    told = client.get(f"/api/v1/channels/{linked}/link/risk").json
    assert {one["factor"] for one in told["readings"]} == {"age", "volume", "replies", "refusals", "reconnects"}
    assert told["pace"]["per_day"] == 30
    assert told["level"] in {"ok", "warn", "bad"}


def test_a_changed_text_of_the_risk_is_read_again(client, linked):
    assert client.post(f"/api/v1/channels/{linked}/link/risk", json={"version": RISK_VERSION + 1}).status_code == 409


def test_what_exceeds_a_day_is_spread_over_the_days_that_follow(box, tenant_id, number):
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, number, ChannelPatch(active=True, config={"daily_limit": 3}))
    with box.unit(tenant_id) as uow:
        days = Counter(actions.take_turn(uow, number).date() for _ in range(8))
        assert (max(days.values()), len(days) >= 3) == (3, True)
        assert queries.get_meter(uow, number).week.sent == days[uow.now.date()]
