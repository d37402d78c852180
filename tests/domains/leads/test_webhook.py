"""The address other systems send leads to, over HTTP."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.core.signatures import sign_timed
from appliance.domains.leads.tables import LeadEvent
from tests.factories.leads import DAVI
from tests.suspending import suspend


@pytest.fixture
def source(client, somebody):
    made = client.post("/api/v1/lead-sources", json={"name": "Landing page"}).json
    somebody.me, somebody.principal = somebody.principal, None  # who sends leads is signed in nowhere
    return made


@pytest.fixture
def as_ana(client, somebody):
    def ask(address):
        somebody.principal = somebody.me
        answer = client.get(f"/api/v1/{address}").json
        somebody.principal = None
        return answer

    return ask


@pytest.fixture
def send(door, source):
    def send(payload, *, at=None, secret=None, source_id=None, **headers):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        stamp = str(int(time.time()) if at is None else at)
        signed = {"X-Timestamp": stamp, "X-Signature": sign_timed(secret or source["secret"], stamp, body)}
        return door.post(f"/webhooks/leads/{source_id or source['id']}", content=body, headers=signed | headers)

    return send


def rejected(as_ana, source):
    return [(one["reason"], one["body"]) for one in as_ana(f"lead-sources/{source['id']}/rejected")["items"]]


def test_the_200_comes_after_the_lead_is_kept_and_before_it_is_captured(send, box, as_ana):
    answer = send(DAVI, **{"X-Event-Id": "e1"})
    assert (answer.status_code, answer.json()["state"], as_ana("leads")["total"]) == (200, "waiting", 0)
    with box.whole_box("test", read_only=True) as uow:
        [event] = uow.session.scalars(select(LeadEvent)).all()
    assert (str(event.id), json.loads(event.body)) == (answer.json()["id"], DAVI)


def test_a_lead_sent_to_a_suspended_organisation_is_captured(send, box, tenant_id, as_ana, run_deliveries):
    suspend(box, tenant_id)
    assert send(DAVI).status_code == 200
    run_deliveries()
    assert as_ana("leads")["total"] == 1


def test_a_signed_lead_is_captured_and_its_repeat_answered_with_the_first_result(send, as_ana, run_deliveries):
    first = send(DAVI, **{"X-Event-Id": "e1"})
    waiting = send({**DAVI, "nome": "Other"}, **{"X-Event-Id": "e1"})
    assert (first.status_code, waiting.status_code, waiting.json()) == (200, 200, first.json())
    run_deliveries()
    again = send({**DAVI, "nome": "Other"}, **{"X-Event-Id": "e1"})
    told = again.json()
    assert (again.status_code, told["id"], told["state"]) == (200, first.json()["id"], "captured")
    assert as_ana(f"lead-receipts/{told['id']}") == told
    lead = as_ana(f"leads/{told['lead_id']}")
    assert (lead["contact_id"], lead["utm"], lead["times"]) == (told["contact_id"], {"campaign": "natal"}, 1)
    assert as_ana("leads?status=new")["total"] == 1
    [event] = as_ana(f"leads/{lead['id']}/events")
    assert json.loads(event["body"]) == DAVI


UNSIGNED = [
    ({"X-Signature": "sha256=" + "0" * 64}, "bad_signature"),
    ({"X-Timestamp": "1"}, "bad_signature"),
    ({"X-Signature": "none"}, "not_signed"),
    ({"X-Signature": ""}, "not_signed"),
    ({"X-Timestamp": "soon"}, "not_signed"),
]


def test_what_is_not_signed_is_refused_and_shown(send, source, as_ana):
    assert {send({"a": reason}, **headers).status_code for headers, reason in UNSIGNED} == {401}
    assert rejected(as_ana, source) == [(reason, json.dumps({"a": reason})) for _headers, reason in reversed(UNSIGNED)]


def test_a_stale_timestamp_is_refused_and_shown(send, source, as_ana):
    assert {send(DAVI, at=int(time.time()) + away).status_code for away in (-302, 302)} == {401}
    assert rejected(as_ana, source) == [("stale_timestamp", json.dumps(DAVI))] * 2


def test_a_little_late_is_not_stale(send):
    assert send(DAVI, at=int(time.time()) - 290).status_code == 200


def test_an_unknown_or_silent_source_is_not_there(send, client, source, somebody):
    assert send(DAVI, source_id=new_id()).status_code == 404
    somebody.principal = somebody.me
    assert client.patch(f"/api/v1/lead-sources/{source['id']}", json={"active": False}).status_code == 200
    somebody.principal = None
    assert send(DAVI).status_code == 404


def test_more_than_a_mebibyte_is_too_large(send):
    assert send(b'{"a": "' + b"x" * 2**20 + b'"}').status_code == 413
    assert send({**DAVI, "a": "x" * (2**20 - 400)}).status_code == 200


def test_malformed_json_is_refused_and_kept(send, source, as_ana):
    bodies = [b"{", b"\xff\xfe", b"", b"[" * 100_000, b"NaN,", b'{"nome": "\\ud800"}']
    assert [send(body).status_code for body in bodies] == [400] * len(bodies)
    assert rejected(as_ana, source) == [("malformed_json", body.decode("utf-8", "replace")[:65_536]) for body in reversed(bodies)]


def test_what_names_nobody_is_kept_told_and_taken_with_another_mapping(send, source, as_ana, client, somebody, run_deliveries):
    sent = send({"quem": {"apelido": "Davi"}}, **{"X-Event-Id": "e1"})
    run_deliveries()
    again = send({"quem": {"apelido": "Davi"}}, **{"X-Event-Id": "e1"}).json()
    assert (sent.status_code, again["id"], again["state"], again["reason"]) == (200, sent.json()["id"], "not_taken", "names_nobody")
    [aside] = as_ana(f"lead-sources/{source['id']}/rejected")["items"]
    assert (aside["reason"], aside["can_be_retried"]) == ("names_nobody", True)
    somebody.principal = somebody.me
    client.patch(f"/api/v1/lead-sources/{source['id']}", json={"mapping": {"name": "quem.apelido"}})
    assert client.post(f"/api/v1/lead-sources/{source['id']}/rejected/retry").json == {"count": 1}
    somebody.principal = None
    run_deliveries()
    assert as_ana(f"lead-receipts/{again['id']}")["state"] == "captured"
    assert rejected(as_ana, source) == []
    assert client.get(f"/api/v1/lead-receipts/{again['id']}").status_code == 401


def test_a_nonce_is_taken_once(send, source, as_ana):
    assert send(DAVI, **{"X-Nonce": "n1"}).status_code == 200
    assert send({"email": "other@x.example"}, **{"X-Nonce": "n1"}).status_code == 401
    assert rejected(as_ana, source)[0][0] == "replayed"
    assert send(DAVI, **{"X-Nonce": "n1"}).status_code == 200


def test_a_signed_request_makes_no_second_lead_under_another_id_or_nonce(send, source, as_ana, run_deliveries):
    at = int(time.time())
    first = send(DAVI, at=at, **{"X-Event-Id": "e1", "X-Nonce": "n1"})
    others = [{"X-Event-Id": "e2"}, {"X-Event-Id": "e2", "X-Nonce": "n2"}, {"X-Nonce": "n3"}, {}]
    assert {send(DAVI, at=at, **headers).status_code for headers in others} == {401}
    assert [reason for reason, _body in rejected(as_ana, source)] == ["replayed"] * len(others)
    again = send(DAVI, at=at, **{"X-Event-Id": "e1", "X-Nonce": "n4"})
    assert (again.status_code, again.json()) == (200, first.json())
    run_deliveries()
    assert [lead["times"] for lead in as_ana("leads")["items"]] == [1]
    assert {send(DAVI, at=at, **headers).status_code for headers in others} == {401}
    assert send(DAVI, at=at + 1, **{"X-Event-Id": "e2"}).status_code == 200


def test_a_signed_request_sent_many_times_at_once_under_many_ids_is_one_event(send, as_ana, run_deliveries):
    at = int(time.time())
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: send(DAVI, at=at, **{"X-Event-Id": f"e{number}"}), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    run_deliveries()
    assert [lead["times"] for lead in as_ana("leads")["items"]] == [1]


def test_an_invalid_phone_is_captured_and_flagged(send, as_ana, run_deliveries):
    assert send({"nome": "Davi", "telefone": "123"}).status_code == 200
    run_deliveries()
    [lead] = as_ana("leads")["items"]
    assert as_ana(f"contacts/{lead['contact_id']}")["phone_invalid"] is True


def test_a_renewed_secret_ends_the_old_one(send, client, source, somebody):
    somebody.principal = somebody.me
    renewed = client.post(f"/api/v1/lead-sources/{source['id']}/secret").json
    shown = client.get(f"/api/v1/lead-sources/{source['id']}").json
    somebody.principal = None
    assert "secret" not in shown
    assert send(DAVI).status_code == 401
    assert send(DAVI, secret=renewed["secret"]).status_code == 200


def test_a_renewed_secret_ends_the_old_one_at_once_also_where_that_is_still_known(send, client, source, somebody):
    assert send(DAVI).status_code == 200
    somebody.principal = somebody.me
    client.post(f"/api/v1/lead-sources/{source['id']}/secret")
    somebody.principal = None
    assert send({**DAVI, "nome": "Other"}).status_code == 401


def test_the_same_event_many_times_at_once_is_one_lead(send, as_ana, run_deliveries):
    def one(_number):
        return send(DAVI, **{"X-Event-Id": "e1"})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(one, range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    run_deliveries()
    assert as_ana("leads")["total"] == 1
    assert as_ana("contacts")["total"] == 1


def test_somebody_signed_in_needs_no_signature_and_may_try_a_mapping_first(client, door):
    source = client.post("/api/v1/lead-sources", json={"kind": "api", "name": "CRM", "mapping": {"email": "who.mail"}}).json
    payload = {"who": {"mail": "ana@solara.example"}, "nome": "Ana"}
    address = f"/api/v1/lead-sources/{source['id']}"
    tried = client.post(f"{address}/try", json={"payload": payload, "mapping": {"name": "nome", "email": "nome"}}).json
    assert [(one["field"], one["value"], one["guessed"]) for one in tried] == [("name", "Ana", False), ("email", "Ana", False)]
    assert [one["value"] for one in client.post(f"{address}/try", json={"payload": payload}).json] == ["Ana", "ana@solara.example"]
    made = client.post("/api/v1/leads", json={"source_id": source["id"], "payload": payload, "event_id": "7"})
    assert (made.status_code, door.post(f"/webhooks/leads/{source['id']}", json={}).status_code) == (201, 404)
    address = f"/api/v1/leads/{made.json['lead_id']}"
    assert client.patch(address, json={"status": "qualified", "score": 90}).json["status"] == "qualified"
    assert client.post(f"{address}/convert").json["converted_at"] is not None
    assert client.delete(f"/api/v1/lead-sources/{source['id']}").status_code == 409


def test_who_sends_leads_finds_the_address_in_the_openapi_document(client):
    operation = client.get("/api/v1/openapi.json").json["paths"]["/webhooks/leads/{source_id}"]["post"]
    assert {one["name"] for one in operation["parameters"] if one["required"]} == {"source_id", "X-Timestamp", "X-Signature"}
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("ReceiptOut")
