import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.core.web import PageQuery
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.channels import queries
from appliance.domains.channels.gateways.cloud import admission
from appliance.domains.channels.tables import Channel
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations.types import MessageKind
from tests.peers.graph import NUMBER, VERIFY, envelope, text_webhook


def texts(thread):
    return [message.content.get("text") for message in thread]


def rejected(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return [row.reason for row in queries.list_rejected(uow, PageQuery()).items]


def test_meta_gets_its_challenge_for_the_right_token_only(door, box, tenant_id, cloud):
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    answer = door.get("/webhooks/whatsapp", params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert door.get("/webhooks/whatsapp", params={**asked, "hub.verify_token": "guess"}).status_code == 403
    assert door.get("/webhooks/whatsapp").status_code == 400
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.get(Channel, cloud).verified_at is not None


def test_a_signed_message_is_stored_before_the_200(post, inbox, box, tenant_id):
    assert post(text_webhook("Olá, tem sofá?")).status_code == 200
    [(conversation, thread)] = inbox()
    assert texts(thread) == ["Olá, tem sofá?"]
    with box.unit(tenant_id, read_only=True) as uow:
        contact = contacts.get_contact(uow, conversation.contact_id)
        assert (contact.name, contact.phone_e164) == ("Ana", "+5531999990001")


@pytest.mark.parametrize("header", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=" + "g" * 64])
def test_an_unsigned_webhook_is_refused(post, inbox, header):
    assert post(text_webhook("oi"), headers={"X-Hub-Signature-256": header}).status_code == 401
    assert inbox() == []


def revised(kind, **said):
    """As Meta tells that a customer changed or took back the first message."""
    raw = {"from": "5531999990001", "id": f"wamid.{kind}", "timestamp": str(int(time.time())), "type": kind}
    return envelope({"messages": [{**raw, kind: {"original_message_id": "wamid.IN0", **said}}]})


def test_what_a_customer_changes_or_takes_back_changes_where_it_stands(post, inbox):
    post(text_webhook("Quero dois"))
    post(revised("edit", message={"type": "text", "text": {"body": "Quero três"}}))
    [(_, [message])] = inbox()
    assert (message.content, message.earlier[0]["text"]) == ({"text": "Quero três"}, "Quero dois")
    post(revised("revoke"))
    [(conversation, [message])] = inbox()
    assert (message.content, conversation.preview, message.deleted_at is None) == ({}, "[deleted]", False)


def test_what_nobody_signed_is_not_read(post, monkeypatch):
    """A megabyte of brackets holds the process that answers everybody for a quarter of a second."""
    read = []
    monkeypatch.setattr(admission, "json", SimpleNamespace(loads=read.append))
    assert post(b'{"entry":[' + b"[]," * 200_000 + b"[]]}", secret="other").status_code == 401
    assert read == []


def test_a_signed_body_of_nothing_but_brackets_is_not_read_either(post, monkeypatch):
    read = []
    monkeypatch.setattr(admission, "json", SimpleNamespace(loads=read.append))
    assert post(b'{"entry":[' + b"[]," * 200_000 + b"[]]}").status_code == 400
    assert read == []


def test_a_webhook_signed_with_another_secret_is_refused(post, inbox):
    assert post(text_webhook("oi"), secret="other").status_code == 401
    assert inbox() == []


def test_a_replayed_webhook_changes_nothing(post, inbox):
    payload = text_webhook("um", "dois")
    assert [post(payload).status_code for _ in range(3)] == [200, 200, 200]
    [(conversation, thread)] = inbox()
    assert texts(thread) == ["um", "dois"]
    assert conversation.unread_count == 2


def test_several_messages_of_several_people_in_one_webhook_keep_their_order(post, inbox):
    first = text_webhook("a1", "a2", wa_id="5531999990001", first_id="wamid.A")
    second = text_webhook("b1", wa_id="5531999990002", first_id="wamid.B")
    both = {"object": first["object"], "entry": first["entry"] + second["entry"]}
    assert post(both).status_code == 200
    assert sorted(texts(thread) for _, thread in inbox()) == [["a1", "a2"], ["b1"]]


def test_a_body_over_the_limit_is_refused_unread(post, inbox):
    assert post(b'{"x":"' + b"a" * 2_000_000 + b'"}').status_code == 413
    assert inbox() == []


def test_json_that_cannot_be_read_is_kept_and_said(post, box, tenant_id):
    assert post(b"{not json").status_code == 400
    assert post(b"[" * 100_000).status_code == 400
    assert rejected(box, tenant_id) == ["malformed_json", "malformed_json"]


@pytest.mark.parametrize("payload", [
    {}, {"entry": None}, {"entry": [None, 3, {"changes": "x"}]}, {"entry": [{"changes": [{"value": None}]}]},
    {"object": "page", "entry": [{"changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": "999"}}}]}]},
])
def test_signed_nonsense_is_kept_and_never_an_error(post, box, tenant_id, payload):
    assert post(payload).status_code == 200
    assert len(rejected(box, tenant_id)) == 1


def test_a_webhook_of_thousands_of_strange_parts_is_kept_once(post, box, tenant_id):
    strange = {"field": "x", "value": {}}
    assert post({"entry": [{"changes": [strange] * 3000}]}).status_code == 200
    assert rejected(box, tenant_id) == ["unknown_number", "too_many_changes"]


def test_of_each_reason_a_channel_keeps_its_newest_and_none_pushes_out_another(post, box, tenant_id):
    strange = {"field": "x", "value": {"metadata": {"phone_number_id": NUMBER}}}
    for _ in range(2):
        assert post({"entry": [{"changes": [strange] * 900}]}).status_code == 200
    assert post(b"{not json").status_code == 400
    assert post({"entry": [{"changes": [strange] * 900}]}).status_code == 200
    with box.unit(tenant_id, read_only=True) as uow:
        kept = queries.list_rejected(uow, PageQuery())
    assert kept.total == 201


def test_json_deeper_than_anything_meta_sends_is_kept_and_said(post, box, tenant_id):
    payload = text_webhook("oi")
    payload["entry"][0]["changes"][0]["value"]["messages"][0]["deep"] = json.loads("[" * 700 + "]" * 700)
    assert post(payload).status_code == 400
    assert rejected(box, tenant_id) == ["malformed_json"]


@pytest.mark.parametrize("sender", ["5511", "   ", "9" * 30, "\u0663" * 12, "x" * 5000])
def test_a_sender_nobody_can_be_does_not_hold_up_the_others(post, inbox, box, tenant_id, sender):
    payload = text_webhook("um", "dois")
    payload["entry"][0]["changes"][0]["value"]["messages"][0]["from"] = sender
    assert post(payload).status_code == 200
    assert [texts(thread) for _, thread in inbox()] == [["dois"]]
    assert rejected(box, tenant_id) == ["unusable_sender"]


def test_unknown_fields_are_kept_beside_the_messages(post, inbox, box, tenant_id):
    payload = text_webhook("oi")
    payload["entry"][0]["changes"].append({"field": "account_update", "value": {"metadata": {"phone_number_id": NUMBER}, "event": "X"}})
    payload["entry"][0]["changes"][0]["value"]["messages"].append({"type": "text", "text": {"body": "sem id"}})
    assert post(payload).status_code == 200
    assert [texts(thread) for _, thread in inbox()] == [["oi"]]
    assert sorted(rejected(box, tenant_id)) == ["field_account_update", "message_without_id_or_sender"]


def test_nuls_and_half_surrogates_do_not_lose_the_message(post, inbox):
    body = json.dumps(text_webhook("antes NUL depois", name="A NUL na")).replace(" NUL ", "\\u0000\\ud800").encode()
    assert post(body).status_code == 200
    [(_, thread)] = inbox()
    assert texts(thread) == ["antes?depois"]


def test_a_person_without_a_phone_number_is_not_dropped(post, inbox):
    payload = text_webhook("oi")
    value = payload["entry"][0]["changes"][0]["value"]
    value["contacts"] = [{"profile": {"name": "Bia"}, "user_id": "BR.13491208655302741918"}]
    del value["messages"][0]["from"]
    value["messages"][0]["from_user_id"] = "BR.13491208655302741918"
    assert post(payload).status_code == 200
    assert [texts(thread) for _, thread in inbox()] == [["oi"]]


def test_every_kind_of_message_finds_its_shape(post, inbox):
    base = {"from": "5531999990001", "timestamp": "1749416383"}
    kinds = [
        {"type": "image", "image": {"id": "55", "mime_type": "image/jpeg", "caption": "olha"}},
        {"type": "audio", "audio": {"id": "56", "mime_type": "audio/ogg", "voice": True}},
        {"type": "location", "location": {"latitude": -19.9, "longitude": -43.9}},
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Caio"}}]},
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "b1", "title": "Sim"}}},
        {"type": "button", "button": {"text": "Parcelar", "payload": "P"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.K0", "emoji": "👍"}},
        {"type": "order", "order": {"catalog_id": "1"}},
        {"type": "text", "text": None},
    ]
    messages = [{**base, **kind, "id": f"wamid.K{number}"} for number, kind in enumerate(kinds)]
    assert post(envelope({"messages": messages})).status_code == 200
    [(_, thread)] = inbox()
    assert [message.kind for message in thread] == [
        MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.LOCATION, MessageKind.CONTACT, MessageKind.TEXT,
        MessageKind.TEXT, MessageKind.REACTION, MessageKind.UNSUPPORTED, MessageKind.TEXT,
    ]
    assert thread[6].reply_to_id == thread[0].id
    assert thread[4].content["text"] == "Sim"


def test_secrets_are_written_and_never_read_back(client, cloud, box, tenant_id):
    shown = client.get("/api/v1/channels").json["items"]
    assert shown[0]["secrets_set"] == ["access_token", "app_secret", "verify_token"]
    assert "app-secret" not in json.dumps(shown)
    patched = client.patch(f"/api/v1/channels/{cloud}", json={"name": "Loja", "secrets": {"access_token": "new"}}).json
    assert patched["name"] == "Loja"
    with box.unit(tenant_id) as uow:
        kept = uow.session.scalars(select(Channel)).one().secrets
        assert kept == {"access_token": "new", "app_secret": "app-secret", "verify_token": VERIFY}


def test_a_channel_is_answered_by_an_agent_of_its_own_organisation(client, box, cloud, other_tenant_id):
    with box.unit(other_tenant_id) as uow:
        theirs = agents.create_agent(uow, AgentIn(name="Lia")).id
    for agent_id in (str(theirs), str(new_id())):
        made = client.post("/api/v1/channels", json={"kind": "simulator", "name": "S", "agent_id": agent_id})
        changed = client.patch(f"/api/v1/channels/{cloud}", json={"agent_id": agent_id})
        assert [(answer.status_code, list(answer.json["fields"])) for answer in (made, changed)] == [(422, ["agent_id"])] * 2


def test_a_number_of_another_organisation_is_refused_without_saying_whose(client, somebody, cloud, other_tenant_id):
    somebody.principal = replace(somebody.principal, tenant_id=other_tenant_id)
    secrets = {"access_token": "t", "app_secret": "s", "verify_token": "v"}
    given = {"kind": "whatsapp_cloud", "name": "Mine", "external_id": NUMBER, "secrets": secrets}
    answer = client.post("/api/v1/channels", json=given)
    assert answer.status_code == 409
    assert answer.json["detail"].startswith("This number or address is already connected to this box.")


def test_a_channel_with_conversations_is_disabled_not_deleted(client, cloud, post):
    post(text_webhook("oi"))
    assert client.delete(f"/api/v1/channels/{cloud}").status_code == 409
    assert client.patch(f"/api/v1/channels/{cloud}", json={"active": False}).json["status"] == "disabled"


def test_one_number_has_one_channel(client, cloud):
    secrets = {"access_token": "a", "app_secret": "b", "verify_token": "c"}
    again = {"kind": "whatsapp_cloud", "name": "x", "external_id": NUMBER, "secrets": secrets}
    assert client.post("/api/v1/channels", json=again).status_code == 422


def test_the_simulator_writes_through_the_same_path(client, inbox, box):
    made = client.post("/api/v1/channels", json={"kind": "simulator", "name": "Simulador"}).json
    answer = client.post(f"/api/v1/channels/{made['id']}/simulate", json={"text": "oi", "visitor": "ana"})
    assert answer.status_code == 201
    [(conversation, thread)] = inbox()
    assert (str(conversation.id), texts(thread)) == (answer.json["conversation_id"], ["oi"])
