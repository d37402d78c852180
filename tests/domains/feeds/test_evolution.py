"""Programs written for Evolution API find their addresses, and the box's own rules behind them."""

from base64 import b64encode
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.domains.channels import actions as channels
from appliance.domains.channels.types import RISK_VERSION
from appliance.domains.conversations.tables import Message
from appliance.domains.feeds.api import evolution
from tests.domains.feeds.conftest import PHONE, said

pytestmark = pytest.mark.only_database("sqlite")
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("appliance.domains.feeds.api.instances.CODE_WAIT_S", 0.0)


@pytest.fixture
def program(client, somebody):
    """Shows an API key."""
    somebody.principal = type(somebody.principal)(**{**somebody.principal.__dict__, "via": "api_key"})
    return client


@pytest.fixture
def messages(box, tenant_id):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            return uow.session.scalars(select(Message).order_by(Message.number)).all()

    return read


def test_an_instance_lives_as_programs_expect(program, listener):
    webhook = {"url": listener.url, "byEvents": True, "base64": True, "events": ["MESSAGES_UPSERT", "CHATS_SET"]}
    made = program.post("/evolution/instance/create", json={
        "instanceName": "loja", "integration": "WHATSAPP-BAILEYS", "qrcode": True, "riskVersion": RISK_VERSION, "webhook": webhook,
        "rejectCall": True,
    })
    assert (made.status_code, made.json["instance"]["instanceName"], made.json["instance"]["status"]) == (201, "loja", "connecting")
    assert program.post("/evolution/instance/create", json={"instanceName": "loja"}).status_code == 409
    instance_id = made.json["instance"]["instanceId"]
    assert program.get(f"/evolution/instance/connectionState/{instance_id}").json == {
        "instance": {"instanceName": "loja", "state": "connecting"}
    }
    found = program.get("/evolution/webhook/find/loja").json
    assert (found["url"], found["byEvents"], found["base64"], found["events"]) == (listener.url, True, True, ["MESSAGES_UPSERT"])
    [listed] = program.get("/evolution/instance/fetchInstances?instanceName=loja").json
    assert (listed["id"], listed["connectionStatus"]) == (instance_id, "connecting")
    assert program.get("/evolution/instance/fetchInstances?instanceName=else").json == []
    assert program.delete("/evolution/instance/logout/loja").json["status"] == "SUCCESS"
    assert program.get("/evolution/instance/connectionState/loja").json["instance"]["state"] == "close"
    assert program.delete("/evolution/instance/delete/loja").json["status"] == "SUCCESS"
    assert program.get("/evolution/instance/connectionState/loja").status_code == 404


def test_a_code_is_answered_once_it_is_there(program, number, box, tenant_id, monkeypatch):
    monkeypatch.setattr("appliance.domains.feeds.api.instances.CODE_WAIT_S", 5.0)

    def show(_seconds):
        with box.unit(tenant_id) as uow:
            channels.show_qr(uow, number, "2@code", 20)

    monkeypatch.setattr("appliance.domains.feeds.api.instances.time.sleep", show)
    code = program.get("/evolution/instance/connect/Loja").json
    assert (code["code"], code["count"]) == ("2@code", 1)


def test_a_browsers_session_does_not_begin_a_link_by_a_get(client, somebody, number):
    somebody.principal = type(somebody.principal)(**{**somebody.principal.__dict__, "via": "cookie"})
    assert client.get("/evolution/instance/connect/Loja").status_code == 422


def test_nothing_is_linked_before_the_risk_is_signed(program):
    made = program.post("/evolution/instance/create", json={"instanceName": "nova", "qrcode": True})
    assert (made.status_code, made.json["instance"]["status"], made.json["qrcode"]["code"]) == (201, "close", None)
    refused = program.get("/evolution/instance/connect/nova")
    assert (refused.status_code, "risk" in refused.json["detail"]) == (422, True)


def test_a_linked_number_is_logged_out_before_it_is_deleted(program, number, box, tenant_id):
    with box.unit(tenant_id) as uow:
        channels.note_open(uow, number, jid=f"{PHONE}:1@s.whatsapp.net", lid="", push_name="Loja")
    assert program.get("/evolution/instance/fetchInstances").json[0]["ownerJid"] == f"{PHONE}@s.whatsapp.net"
    assert program.delete("/evolution/instance/delete/Loja").status_code == 409


def test_what_has_conversations_comes_back_with_them(program, number, hear, messages):
    hear(said("Bom dia"))
    assert program.delete("/evolution/instance/delete/Loja").status_code == 200
    assert program.get("/evolution/instance/fetchInstances").json == []
    again = program.post("/evolution/instance/create", json={"instanceName": "Loja"})
    assert (again.status_code, again.json["instance"]["instanceId"], len(messages())) == (201, str(number), 1)


def test_text_waits_to_be_sent_under_the_id_that_is_answered(program, number, hear, messages):
    cold = program.post("/evolution/message/sendText/Loja", json={"number": PHONE, "text": "Promoção!"})
    assert cold.status_code == 422
    hear(said("Bom dia", "3A01"))
    body = {"number": f"+{PHONE}", "text": "Olá", "delay": 1200, "quoted": {"key": {"id": "3A01"}, "message": {"conversation": "Bom dia"}}}
    first = program.post("/evolution/message/sendText/Loja", json=body, headers={"Idempotency-Key": "a"})
    again = program.post("/evolution/message/sendText/Loja", json=body, headers={"Idempotency-Key": "a"})
    assert (first.status_code, first.json) == (201, again.json)
    asked, answer = messages()
    assert (answer.content["text"], answer.status, answer.reply_to_id) == ("Olá", "queued", asked.id)
    assert (first.json["key"]["id"], first.json["status"], first.json["messageId"]) == (answer.id.hex.upper(), "PENDING", str(answer.id))
    assert first.json["message"]["extendedTextMessage"]["contextInfo"]["stanzaId"] == "3A01"
    unknown = {"number": PHONE, "text": "x", "quoted": {"key": {"id": "no"}}}
    wrong = [{"number": "a@b.c", "text": "x"}, {"number": PHONE, "text": ""}, unknown]
    assert [program.post("/evolution/message/sendText/Loja", json=one).status_code for one in wrong] == [422, 422, 404]
    assert program.post("/evolution/message/sendText/Nenhuma", json=body).status_code == 404


def test_files_come_in_base64_or_from_an_address(program, number, hear, messages, listener, box, tenant_id):
    hear(said("Bom dia"))
    listener.files["/a.pdf"] = b"%PDF-1.4 ..."
    address = listener.url.replace("/hook", "/a.pdf")
    sent = [
        {"mediatype": "image", "media": b64encode(PNG).decode(), "caption": "veja"},
        {"mediatype": "image", "media": "data:image/png;base64," + b64encode(PNG).decode()},
        {"mediatype": "document", "media": address, "fileName": "a.pdf", "mimetype": "application/pdf"},
    ]
    answers = [program.post("/evolution/message/sendMedia/Loja", json={"number": PHONE, **one}) for one in sent]
    assert [answer.status_code for answer in answers] == [201, 201, 201], [answer.text for answer in answers]
    image, _, document = messages()[1:]
    assert (image.kind, image.content["media"]["mime_type"], image.content["text"]) == ("image", "image/png", "veja")
    assert (document.kind, document.content["media"]["filename"]) == ("document", "a.pdf")
    assert b"".join(box.blobs.read(tenant_id, _blob(document))) == b"%PDF-1.4 ..."
    assert answers[2].json["messageType"] == "documentMessage"


def test_files_that_cannot_go_leave_nothing_behind(program, number, hear, listener, settings):
    hear(said("Bom dia"))
    listener.files["/a.txt"] = b"words"
    address = listener.url.replace("/hook", "")
    wrong = [
        {"mediatype": "image", "media": "not base64!"},
        {"mediatype": "image", "media": b64encode(b"words").decode(), "mimetype": "text/plain"},
        {"mediatype": "image", "media": f"{address}/a.txt"},
        {"mediatype": "image", "media": f"{address}/gone.png"},
        {"mediatype": "image", "media": "http://10.0.0.1/inside.png"},
    ]
    answers = [program.post("/evolution/message/sendMedia/Loja", json={"number": PHONE, **one}) for one in wrong]
    assert [answer.status_code for answer in answers] == [422] * 5, [answer.text for answer in answers]
    cold = {"number": "5531900000000", "mediatype": "image", "media": b64encode(PNG).decode()}
    assert program.post("/evolution/message/sendMedia/Loja", json=cold).status_code == 422
    assert [path for path in (settings.home / "blobs").glob("*/*/*") if path.is_file()] == []


def test_a_webhook_is_set_with_headers_of_the_program(program, number, listener, hear, run_deliveries):
    hook = {"enabled": True, "url": listener.url, "byEvents": True, "events": [], "headers": {"Authorization": "Bearer x", "Host": "evil"}}
    answer = program.post("/evolution/webhook/set/Loja", json={"webhook": hook})
    assert (answer.status_code, "headers" in answer.json["webhook"]) == (201, False)
    hear(said("Oi"))
    run_deliveries()
    [heard] = listener.heard
    assert (heard.path, heard.headers["Authorization"], heard.headers["Host"] == "evil") == ("/hook/messages-upsert", "Bearer x", False)
    assert (heard.json["event"], heard.json["instance"], heard.json["apikey"]) == ("messages.upsert", "Loja", None)
    bad = {**hook, "headers": {"X-A": "a\r\nX-B: c"}}
    assert program.post("/evolution/webhook/set/Loja", json={"webhook": bad}).status_code == 422


def test_nobody_without_the_right_to_listen_gets_in(client, somebody, number):
    somebody.may("channels:write")
    for method, address in (("get", "webhook/find/Loja"), ("get", "instance/fetchInstances"), ("delete", "instance/logout/Loja")):
        assert getattr(client, method)(f"/evolution/{address}").status_code == 403
    assert {route.need.permission for route in evolution.routes} == {"feeds:write"}


def _blob(message):
    return UUID(message.content["media"]["blob_id"])
