"""Forms that people fill in, on our page or on a company's own site."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from appliance.core.web import PageQuery
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.types import Channel, ConsentMode
from appliance.domains.leads import queries
from appliance.domains.leads.schemas import LeadsQuery
from appliance.domains.leads.tables import Lead
from tests.factories.leads import make_source

FILLED = {"name": "Davi Rocha", "email": "davi@loja.example", "phone": "11 98000-1234", "message": "Quero um orçamento", "website": ""}
WORDS = "Aceito receber ofertas."


@pytest.fixture
def form_id(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return make_source(uow, kind="form", form={"consent_text": WORDS}).id


@pytest.fixture
def visitor(client, somebody):
    somebody.principal = None
    return client


def leads_of(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return [(lead.id, lead.contact_id, lead.times) for lead in queries.list_leads(uow, LeadsQuery()).items]


def test_a_form_sent_by_a_browser_leads_to_thanks(box, tenant_id, visitor, form_id):
    sent = visitor.post(f"/forms/{form_id}", data=FILLED, headers={"Referer": "https://www.loja.example/contato"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/forms/{form_id}/thanks")
    [(_lead, contact_id, _times)] = leads_of(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert people.get_contact(uow, contact_id).phone_e164 == "+5511980001234"
        assert people.list_consents(uow, contact_id) == []


def test_a_tick_is_recorded_with_the_words_beside_it_and_where_it_came_from(box, tenant_id, visitor, form_id):
    agreed = {**FILLED, "consent": "yes", "consent_text": "something else"}
    visitor.post(f"/forms/{form_id}", data=agreed, headers={"Referer": "https://www.loja.example/contato"})
    [(lead_id, contact_id, _times)] = leads_of(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        ledger = people.list_consents(uow, contact_id)
    assert {(row.channel, row.mode) for row in ledger} == {(Channel.EMAIL, ConsentMode.OPT_IN), (Channel.WHATSAPP, ConsentMode.OPT_IN)}
    assert ledger[0].evidence == {"text": WORDS, "ip": "127.0.0.1", "page": "https://www.loja.example/contato", "lead_id": str(lead_id)}


def test_a_form_with_a_field_nobody_sees_filled_in_is_thanked_and_dropped(box, tenant_id, visitor, form_id):
    assert visitor.post(f"/forms/{form_id}", data={**FILLED, "website": "http://spam.example"}).status_code == 303
    assert visitor.post(f"/forms/{form_id}", json={**FILLED, "website": "http://spam.example"}).json == {}
    assert leads_of(box, tenant_id) == []


def test_json_is_answered_with_ids_and_a_double_click_is_one_event(box, tenant_id, visitor, form_id):
    first = visitor.post(f"/forms/{form_id}", json=FILLED)
    assert (first.status_code, set(first.json)) == (200, {"lead_id", "contact_id"})
    assert visitor.post(f"/forms/{form_id}", json=FILLED).json == first.json
    assert [times for _lead, _contact, times in leads_of(box, tenant_id)] == [1]


def test_a_double_click_that_arrives_at_once_is_thanked_twice_and_is_one_lead(box, tenant_id, visitor, form_id):
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: visitor.post(f"/forms/{form_id}", data=FILLED), range(6)))
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {(303, f"/forms/{form_id}/thanks")}
    assert [times for _lead, _contact, times in leads_of(box, tenant_id)] == [1]


def test_a_form_that_names_nobody_or_nowhere_to_answer_is_asked_for_more(box, tenant_id, visitor, form_id):
    assert visitor.post(f"/forms/{form_id}", data={"name": "João"}).headers["Location"] == f"/forms/{form_id}?again=1"
    assert visitor.post(f"/forms/{form_id}", data={"message": "oi"}).headers["Location"] == f"/forms/{form_id}?again=1"
    campaign = visitor.post(f"/forms/{form_id}", data={"name": "João", "utm_source": "insta & co", "utm_medium": "x" * 900})
    assert campaign.headers["Location"] == f"/forms/{form_id}?again=1&utm_source=insta+%26+co&utm_medium={'x' * 200}"
    assert visitor.post(f"/forms/{form_id}", json={"message": "oi"}).status_code == 422
    for body in (b"{", b"[1]", b'"x"'):
        assert visitor.post(f"/forms/{form_id}", data=body, content_type="application/json").status_code == 400
    assert leads_of(box, tenant_id) == []


def test_the_form_takes_no_webhook_and_the_webhook_no_form(box, tenant_id, visitor, form_id):
    with box.unit(tenant_id) as uow:
        signed = make_source(uow).id
    assert visitor.post(f"/forms/{signed}", data=FILLED).status_code == 404
    assert visitor.post(f"/webhooks/leads/{form_id}", json=FILLED).status_code == 404


def test_one_address_sends_thirty_forms_a_minute(box, tenant_id, visitor, form_id):
    answers = [visitor.post(f"/forms/{form_id}", json={"website": "x"}).status_code for _number in range(31)]
    assert answers == [200] * 30 + [429]


def test_a_colleague_who_is_signed_in_may_try_the_form_on_the_companys_own_site(box, tenant_id, client, somebody, form_id):
    somebody.principal = replace(somebody.principal, via="cookie")
    assert client.post(f"/forms/{form_id}", data=FILLED).status_code == 303
    assert client.post("/api/v1/lead-sources", json={"name": "x"}).status_code == 403
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalar(select(func.count(Lead.id))) == 1
        assert queries.list_sources(uow, PageQuery()).total == 1


def test_what_the_form_asks_is_kept_and_shown(client):
    wanted = {"fields": ["email"], "consent_text": WORDS}
    made = client.post("/api/v1/lead-sources", json={"kind": "form", "name": "Site", "form": wanted}).json
    assert made["form"]["fields"] == ["email"]
    address = f"/api/v1/lead-sources/{made['id']}"
    assert client.patch(address, json={"form": {"fields": ["phone"]}}).json["form"] == {
        "title": "", "fields": ["phone"], "asks_message": True, "consent_text": "", "thanks": "", "keeps_programs_out": False,
    }  # fmt: skip
    assert client.post("/api/v1/lead-sources", json={"name": "Hook"}).json["form"] is None
