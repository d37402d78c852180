"""Meta Lead Ads: an announcement is signed and says nothing; the lead is fetched from a Graph API on loopback."""

import json

import pytest
from sqlalchemy.event import listen

from appliance.core import deliveries
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.signatures import sign
from appliance.domains.contacts import queries as people
from appliance.domains.leads import actions, queries
from appliance.domains.leads.rules.announcements import MAX_CHANGES, leadgen_ids
from appliance.domains.leads.schemas import LeadsQuery
from tests.factories.leads import make_source
from tests.peers.graph import SECRET, TOKEN, VERIFY, GraphPeer, Misbehaviour, settings_for
from tests.suspending import suspend

LEAD = {
    "id": "777", "created_time": "2026-11-20T12:00:00+0000", "campaign_name": "Natal", "ad_name": "Vídeo 2", "platform": "ig",
    "field_data": [
        {"name": "full_name", "values": ["Davi Rocha"]}, {"name": "email", "values": ["davi@loja.example"]},
        {"name": "phone_number", "values": ["+5511980001234"]},
    ],
}  # fmt: skip
SECRETS = {"app_secret": SECRET, "verify_token": VERIFY, "access_token": TOKEN}


@pytest.fixture
def settings(settings, peer):
    return settings_for(settings, peer)


@pytest.fixture
def peer():
    with GraphPeer() as peer:
        peer.leads["777"] = LEAD
        yield peer


@pytest.fixture
def source_id(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return make_source(uow, kind="meta_lead_ads", secrets=SECRETS).id


@pytest.fixture
def meta(client, somebody, source_id):
    somebody.principal = None

    def announce(*ids, body=None, secret=SECRET):
        changes = [{"field": "leadgen", "value": {"leadgen_id": one, "page_id": "1", "form_id": "9"}} for one in ids]
        said = body if body is not None else json.dumps({"object": "page", "entry": [{"id": "1", "changes": changes}]}).encode()
        return client.post(f"/webhooks/meta-leads/{source_id}", data=said, headers={"X-Hub-Signature-256": sign(secret, said)})

    announce.client = client
    return announce


def leads_of(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return list(queries.list_leads(uow, LeadsQuery()).items)


def reasons_of(box, tenant_id, source_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return [row.reason for row in queries.list_rejected(uow, source_id, LeadsQuery()).items]


def test_an_announced_lead_is_fetched_and_captured_once(box, tenant_id, meta, run_deliveries):
    assert meta("777").status_code == 200
    assert meta("777", "777").status_code == 200
    run_deliveries()
    assert meta("777").status_code == 200
    run_deliveries()
    [lead] = leads_of(box, tenant_id)
    assert (lead.external_id, lead.utm, lead.times) == ("777", {"source": "ig", "campaign": "Natal", "content": "Vídeo 2"}, 1)
    with box.unit(tenant_id, read_only=True) as uow:
        contact = people.get_contact(uow, lead.contact_id)
    assert (contact.name, contact.email, contact.phone_e164) == ("Davi Rocha", "davi@loja.example", "+5511980001234")


def test_a_lead_announced_to_a_suspended_organisation_is_fetched_before_meta_drops_it(box, tenant_id, meta, run_deliveries):
    suspend(box, tenant_id)
    assert meta("777").status_code == 200
    run_deliveries()
    assert [lead.external_id for lead in leads_of(box, tenant_id)] == ["777"]


def test_the_address_is_verified_with_the_token_of_the_source(meta, source_id):
    address = f"/webhooks/meta-leads/{source_id}?hub.mode=subscribe&hub.challenge=42&hub.verify_token="
    assert meta.client.get(address + VERIFY).text == "42"
    assert [meta.client.get(address + token).status_code for token in ("other", "")] == [403, 400]


def test_what_is_not_signed_with_the_app_secret_is_refused_and_shown(box, tenant_id, source_id, meta):
    assert [meta("777", secret="other").status_code, meta(body=b"{").status_code] == [401, 400]
    assert set(reasons_of(box, tenant_id, source_id)) == {"bad_signature", "malformed_json"}


def test_a_busy_meta_is_asked_again_and_a_refusal_waits_for_a_person(box, tenant_id, source_id, meta, peer, run_deliveries):
    peer.misbehave.append(Misbehaviour(status=500))
    meta("777")
    run_deliveries()
    assert leads_of(box, tenant_id) == []
    with box.whole_box("test") as uow:
        [waiting] = uow.session.query(Delivery).filter(Delivery.subscriber == "leads.fetch_lead")
        assert waiting.state is DeliveryState.PENDING
        waiting.next_at = uow.now
    peer.misbehave.append(Misbehaviour(status=400, code=190))
    run_deliveries()
    assert reasons_of(box, tenant_id, source_id) == ["not_handed_over"]
    with box.whole_box("test") as uow:
        [dead] = uow.session.query(Delivery).filter(Delivery.subscriber == "leads.fetch_lead")
        assert dead.state is DeliveryState.DEAD
        deliveries.replay(uow, dead.id)
    run_deliveries()
    assert len(leads_of(box, tenant_id)) == 1


def test_a_lead_that_names_nobody_is_kept_aside(box, tenant_id, source_id, meta, peer, run_deliveries):
    peer.leads["778"] = {"id": "", "field_data": []}
    meta("778")
    run_deliveries()
    assert reasons_of(box, tenant_id, source_id) == ["names_nobody"]


def test_all_three_secrets_are_asked_for_and_never_shown(client):
    asked = client.post("/api/v1/lead-sources", json={"kind": "meta_lead_ads", "name": "Meta", "secrets": {"app_secret": "x"}})
    assert (asked.status_code, set(asked.json["fields"])) == (422, {"verify_token", "access_token"})
    made = client.post("/api/v1/lead-sources", json={"kind": "meta_lead_ads", "name": "Meta", "secrets": SECRETS}).json
    assert (made["secret"], made["secrets_set"]) == ("", ["access_token", "app_secret", "verify_token"])
    assert client.patch(f"/api/v1/lead-sources/{made['id']}", json={"secrets": {"access_token": "new"}}).status_code == 200
    assert client.post(f"/api/v1/lead-sources/{made['id']}/secret").status_code == 422


def test_many_leads_named_at_once_are_looked_up_and_written_together(box, tenant_id, source_id):
    with box.unit(tenant_id) as uow:
        asked, flushes = [], []
        listen(uow.session, "after_flush", lambda *given: flushes.append(given))
        listen(uow.session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        actions.announce_leads(uow, source_id, [str(number) for number in range(50)])
        assert (len(uow.emitted), len(flushes)) == (50, 1)
    assert len([statement for statement in asked if "lead_events" in statement]) == 1


def test_no_more_leads_are_taken_from_one_body_than_meta_sends():
    changes = [{"field": "leadgen", "value": {"leadgen_id": number}} for number in range(MAX_CHANGES + 1)]
    assert len(leadgen_ids({"entry": [{"changes": changes}]})) == MAX_CHANGES


def test_only_well_formed_ids_of_leads_are_read():
    other = {"field": "feed", "value": {"leadgen_id": "1"}}
    odd = [{"field": "leadgen", "value": {"leadgen_id": value}} for value in ("2", 2, "../me", None, {"a": 1}, "3")]
    assert leadgen_ids({"entry": [{"changes": [other, *odd, "x"]}, {"changes": {}}, 7]}) == ["2", "3"]
    assert [leadgen_ids(payload) for payload in (None, [], {"entry": "x"})] == [[], [], []]
