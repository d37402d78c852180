"""Visitors of a web page: their own conversation and no other, once whatever happens, and no proof of who they are."""

import io
import json
import sys
from contextlib import suppress
from http import HTTPStatus

import pytest

from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import SAID_EMAIL
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import MessageKind, MessageStatus, Sender
from tests.statements import statements_of
from tests.suspending import resume, suspend

SQLITE = pytest.mark.only_database("sqlite")  # what has nothing to do with the database is looked at once
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@pytest.fixture
def chat(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, ChannelIn(kind="webchat", name="Site", config={"title": "Solara"}))


@pytest.fixture
def client(client, somebody):
    somebody.principal = None  # nobody signs in here
    return client


class Visitor:
    def __init__(self, client, key):
        self.client, self.at = client, f"/chat/{key}"
        self.token = client.post(f"{self.at}/visitors").json["token"]

    @property
    def headers(self):
        return {"X-Visitor": self.token}

    def say(self, text="oi", client_id=None, **more):
        body = {"client_id": client_id or new_id().hex, "text": text, **more}
        return self.client.post(f"{self.at}/messages", json=body, headers=self.headers)

    def send(self, content, name="foto.png", client_id="file-1"):
        data = {"file": (io.BytesIO(content), name)}
        return self.client.post(f"{self.at}/files/{client_id}", data=data, headers=self.headers, content_type="multipart/form-data")

    def sees(self, **query):
        return self.client.get(f"{self.at}/messages", query_string=query, headers=self.headers).json

    def texts(self):
        return [(each["sender"], each["text"]) for each in self.sees()["items"]]

    def seen(self, up_to, *, read=False):
        return self.client.post(f"{self.at}/seen", json={"up_to": up_to, "read": read}, headers=self.headers)


@pytest.fixture
def visitor(client, chat):
    return Visitor(client, chat.external_id)


@pytest.fixture
def answer(box, tenant_id, inbox, run_deliveries):
    def write(text="Olá!", **given):
        with box.unit(tenant_id) as uow:
            made = conversations.reply(uow, inbox()[0][0].id, user_id=new_id(), content={"text": text, **given.pop("content", {})}, **given)
        run_deliveries()
        return made.id

    return write


def test_what_a_visitor_writes_is_in_the_inbox_before_they_are_told_so(visitor, inbox):
    told = visitor.say("quanto custa?", "m1")
    assert (told.status_code, told.json["sender"], told.json["client_id"]) == (HTTPStatus.CREATED, "visitor", "m1")
    [(conversation, [message])] = inbox()
    assert (conversation.channel_kind, message.content["text"]) == ("webchat", "quanto custa?")


def test_that_a_visitor_writes_is_whispered_to_the_team_and_kept_nowhere(box, visitor, inbox):
    say = {"json": {"writes": True}, "headers": visitor.headers}
    with box.redis.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(LIVE_CHANNEL)
        heard.get_message(timeout=60)
        assert visitor.client.post(f"{visitor.at}/writing", **say).status_code == HTTPStatus.NO_CONTENT  # nobody to tell yet
        visitor.say("oi")
        with statements_of(box) as statements:
            visitor.client.post(f"{visitor.at}/writing", **say)
        while (note := json.loads(heard.get_message(timeout=60)["data"]))["event"] != "contact.writing":
            pass
    assert note["ids"] == {"conversation_id": str(inbox()[0][0].id), "writes": True}
    assert not [one for one, _ in statements if one.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert visitor.client.post(f"{visitor.at}/writing", json={"writes": True}).status_code == HTTPStatus.UNAUTHORIZED


def test_the_same_message_again_is_one_message(visitor, inbox):
    ids = {visitor.say("oi", "m1").json["id"] for _ in range(3)}
    assert (len(ids), len(inbox()[0][1])) == (1, 1)


def test_two_visitors_may_call_their_messages_alike(client, chat, visitor, inbox):
    visitor.say("a", "m1")
    Visitor(client, chat.external_id).say("b", "m1")
    assert sorted(rows[0].content["text"] for _, rows in inbox()) == ["a", "b"]


def test_an_answer_is_seen_by_its_visitor_alone(client, chat, visitor, answer):
    visitor.say()
    answer("Olá, aqui é a Ana.")
    assert visitor.texts() == [("visitor", "oi"), ("team", "Olá, aqui é a Ana.")]
    other = Visitor(client, chat.external_id)
    assert other.sees() == {"items": [], "before": None, "holder": None}


@SQLITE
@pytest.mark.parametrize("forge", [lambda _token: "", lambda token: "0" * 32 + token[32:], lambda token: token[:-1] + "g"])
def test_nobody_takes_the_name_of_another_visitor(visitor, forge, inbox):
    visitor.say()
    visitor.token = forge(visitor.token)
    assert visitor.say("eu?").status_code == HTTPStatus.UNAUTHORIZED
    assert visitor.client.get(f"{visitor.at}/messages", headers=visitor.headers).status_code == HTTPStatus.UNAUTHORIZED
    assert len(inbox()[0][1]) == 1


def test_a_token_is_good_for_its_own_chat_alone(box, other_tenant_id, client, visitor):
    with box.unit(other_tenant_id) as uow:
        other = channels.create_channel(uow, ChannelIn(kind="webchat", name="Outro", config={"title": "Outro"}))
    visitor.at = f"/chat/{other.external_id}"
    assert visitor.say().status_code == HTTPStatus.UNAUTHORIZED


def test_notes_and_what_was_not_sent_stay_inside(box, tenant_id, visitor, inbox, answer):
    visitor.say()
    conversation_id = inbox()[0][0].id
    with box.unit(tenant_id) as uow:
        conversations.add_note(uow, conversation_id, user_id=new_id(), text="cliente difícil")
        conversations.reply(uow, conversation_id, user_id=new_id(), content={"text": "a caminho"})
    assert visitor.texts() == [("visitor", "oi")]
    answer("pronto")
    assert [text for _, text in visitor.texts()] == ["oi", "a caminho", "pronto"]


def test_who_has_the_word_is_told_to_the_visitor(box, tenant_id, visitor, inbox):
    visitor.say()
    assert visitor.sees()["holder"] == "waiting"
    inbox_id = inbox()[0][0].id
    with box.unit(tenant_id) as uow:
        conversations.take_over(uow, inbox_id, user_id=new_id())
    assert visitor.sees()["holder"] == "person"
    with box.unit(tenant_id) as uow:
        conversations.resolve(uow, inbox_id)
    assert visitor.sees()["holder"] is None


def test_delivered_when_the_page_has_it_and_read_when_it_is_shown(visitor, answer, inbox):
    visitor.say()
    answer()
    states = []
    for seen in (lambda: None, lambda: visitor.seen(2), lambda: visitor.seen(2, read=True), lambda: visitor.seen(2)):
        seen()
        states.append(inbox()[0][1][1].status)
    assert states == [MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.READ]


def test_what_came_after_the_page_looked_is_not_yet_delivered(visitor, answer, inbox):
    visitor.say()
    answer()
    assert visitor.seen(1, read=True).status_code == HTTPStatus.NO_CONTENT
    assert inbox()[0][1][1].status is MessageStatus.SENT


@SQLITE
def test_buttons_are_offered_and_what_is_chosen_is_understood(visitor, answer, inbox):
    visitor.say()
    answer("Qual?", kind=MessageKind.BUTTONS, content={"buttons": [{"id": "a", "title": "Casa"}, {"id": "b", "title": "Loja"}]})
    assert [one["title"] for one in visitor.sees()["items"][-1]["choices"]] == ["Casa", "Loja"]
    visitor.say("", choice={"id": "b", "title": "Loja"})
    last = inbox()[0][1][-1]
    assert (last.content["text"], last.content["choice"]["id"]) == ("Loja", "b")


def test_an_answer_of_the_agent_names_its_documents_and_shows_no_marks(box, tenant_id, chat, visitor, inbox, run_deliveries):
    with box.unit(tenant_id) as uow:
        agent = agents.create_agent(uow, AgentIn(name="Lia", settings=AgentSettings(debounce_ms=0)), publish_now=True)
        channels.change_channel(uow, chat.id, ChannelPatch(agent_id=agent.id, active=True))
    visitor.say("oi")
    run_deliveries()
    assert [each["sender"] for each in visitor.sees()["items"]] == ["visitor", "assistant"]
    with box.unit(tenant_id) as uow:
        [row] = [message for message in inbox()[0][1] if message.sender is Sender.AGENT_AI]
        stored = uow.session.get(type(row), row.id)
        stored.content, stored.sources = {"text": "Dez anos [1]."}, [{"document_name": "garantia.md"}, {"document_name": "garantia.md"}]
    shown = visitor.sees()["items"][-1]
    assert (shown["text"], shown["sources"]) == ("Dez anos.", ["garantia.md"])
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, chat.id, ChannelPatch(active=True, config={"shows_sources": False}))
    assert visitor.sees()["items"][-1]["sources"] == []


def test_a_file_comes_under_its_true_type_once_and_goes_back_to_its_visitor_alone(client, chat, visitor, inbox, box):
    visitor.say()
    first, again = visitor.send(PNG, "foto.txt"), visitor.send(PNG, "foto.txt")
    assert first.json["id"] == again.json["id"]
    assert (first.json["kind"], first.json["file"]["type"]) == ("image", "image/png")
    at = f"{visitor.at}/messages/{first.json['id']}/file"
    back = client.get(at, headers=visitor.headers)
    assert (back.data, back.mimetype, back.headers["Content-Security-Policy"]) == (PNG, "image/png", "sandbox")
    other = Visitor(client, chat.external_id)
    assert client.get(at, headers=other.headers).status_code == HTTPStatus.NOT_FOUND
    other.say()
    assert client.get(at, headers=other.headers).status_code == HTTPStatus.NOT_FOUND
    assert len(list((box.settings.home / "blobs").rglob("*/??/*"))) == 1  # what came twice is kept once


def test_a_file_of_the_team_reaches_its_visitor(client, keep_file, visitor, answer):
    visitor.say()
    ref = keep_file(b"%PDF-1.7 proposta")
    media = {"blob_id": str(ref.id), "mime_type": "application/pdf", "filename": "proposta.pdf"}
    made = answer("", kind=MessageKind.DOCUMENT, content={"media": media})
    assert visitor.sees()["items"][-1]["file"] == {"name": "proposta.pdf", "type": "application/pdf", "size": None}
    back = client.get(f"{visitor.at}/messages/{made}/file", headers=visitor.headers)
    assert (back.data, back.headers["Content-Disposition"]) == (b"%PDF-1.7 proposta", "inline; filename=proposta.pdf")


@SQLITE
def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(visitor, box, inbox):
    assert visitor.send(b"x" * (4 * 2**20 + 1)).status_code in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    assert inbox() == []
    assert not any(path.is_file() for path in (box.settings.home / "blobs").glob("*/*/*"))


def test_what_a_visitor_says_of_themself_makes_them_nobody_else(box, tenant_id, visitor, inbox):
    with box.unit(tenant_id) as uow:
        known = contacts.create_contact(uow, ContactFields(name="Bia", email="bia@manaca.example")).id
    visitor.say("oi", name="Bia", email="bia@manaca.example")
    with box.unit(tenant_id, read_only=True) as uow:
        contact = people.get_contact(uow, inbox()[0][0].contact_id)
        assert contact.id != known
        assert (contact.name, contact.email, contact.attributes[SAID_EMAIL]) == ("Bia", None, "bia@manaca.example")


@SQLITE
def test_a_closed_chat_takes_nothing(box, tenant_id, chat, visitor, inbox):
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, chat.id, ChannelPatch(active=False))
    assert visitor.say().status_code == HTTPStatus.CONFLICT
    assert inbox() == []


@SQLITE
@pytest.mark.parametrize("body", [{}, {"client_id": "a b"}, {"text": "x" * 4097}, {"text": ""}, {"choice": {"id": "a"}}])
def test_what_is_no_message_is_refused_with_a_sentence(visitor, body, inbox):
    answer = visitor.client.post(f"{visitor.at}/messages", json={"client_id": "m", **body}, headers=visitor.headers)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.mimetype == "application/problem+json"
    assert inbox() == []


@SQLITE
def test_another_page_may_not_write_in_a_visitors_name(visitor, inbox):
    headers = {**visitor.headers, "Origin": "https://evil.example"}
    answer = visitor.client.post(f"{visitor.at}/messages", json={"client_id": "m", "text": "oi"}, headers=headers)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert visitor.client.post(f"{visitor.at}/visitors", headers={"Origin": "null"}).status_code == HTTPStatus.FORBIDDEN
    assert inbox() == []


@SQLITE
def test_a_visitor_who_floods_is_asked_to_wait(visitor, inbox):
    codes = [visitor.say(f"{number}").status_code for number in range(16)]
    assert codes == [HTTPStatus.CREATED] * 15 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert len(inbox()[0][1]) == 15


def test_older_messages_come_by_cursor(visitor):
    for number in range(5):
        visitor.say(str(number))
    newest = visitor.sees(limit=2)
    older = visitor.sees(limit=2, before=newest["before"])
    assert [each["text"] for each in [*older["items"], *newest["items"]]] == ["1", "2", "3", "4"]


@SQLITE
def test_settings_are_checked_and_sites_kept_as_browsers_name_them(box, tenant_id, chat):
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, chat.id, ChannelPatch(active=True, config={"origins": ["Loja.com/x", "http://localhost:81"]}))
        assert queries.get_channel(uow, chat.id).config["origins"] == ["https://loja.com", "http://localhost:81"]


@SQLITE
def test_a_file_for_a_closed_chat_leaves_nothing_behind(visitor, box, tenant_id, chat):
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, chat.id, ChannelPatch(active=False))
    assert visitor.send(PNG).status_code == HTTPStatus.CONFLICT
    assert not [path for path in box.settings.home.glob("blobs/*/*/*") if path.is_file()]


@SQLITE
def test_a_file_whose_message_breaks_leaves_nothing_behind(visitor, box, monkeypatch):
    def breaks(*_args, **_more):
        raise RuntimeError

    monkeypatch.setattr(channels, "receive_visitor", breaks)
    with suppress(RuntimeError):
        visitor.send(PNG)
    assert not [path for path in box.settings.home.glob("blobs/*/*/*") if path.is_file()]


@SQLITE
def test_files_of_a_day_have_a_ceiling_for_a_visitor_and_for_an_address(client, chat, visitor, monkeypatch):
    door = sys.modules["appliance.domains.channels.api.webchat"]
    monkeypatch.setattr(door, "OWN_FILES", "1/day")
    monkeypatch.setattr(door, "FILES", "2/day")
    assert [visitor.send(PNG, client_id=each).status_code for each in "ab"] == [201, 429]
    others = [Visitor(client, chat.external_id).send(PNG).status_code for _ in range(2)]
    assert others == [201, 429]


@SQLITE
def test_what_the_box_says_by_itself_is_not_said_by_the_team(box, tenant_id, visitor, inbox, run_deliveries):
    visitor.say()
    with box.unit(tenant_id) as uow:
        conversations.queue_notice(uow, inbox()[0][0].id, "Vou chamar uma pessoa.")
    run_deliveries()
    assert visitor.texts()[1] == ("assistant", "Vou chamar uma pessoa.")


def test_a_visitor_of_a_suspended_organisation_is_told_that_the_chat_is_closed(box, tenant_id, visitor, inbox):
    assert visitor.say("oi").status_code == 201
    suspend(box, tenant_id)
    refused = visitor.say("ainda aí?")
    assert (refused.status_code, "fechado" in refused.json["detail"]) == (HTTPStatus.CONFLICT, True)
    assert len(inbox()[0][1]) == 1
    assert [one["text"] for one in visitor.sees()["items"]] == ["oi"]
    resume(box, tenant_id)
    assert visitor.say("e agora?").status_code == 201
