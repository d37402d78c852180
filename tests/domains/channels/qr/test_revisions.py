"""What its writer changes or deletes afterwards changes where it stands, and is gone from where people look."""


import pytest
from sqlalchemy import select

from appliance.core import files
from appliance.core.errors import NotFound
from appliance.core.ids import new_id
from appliance.core.outbox import OutboxRow
from appliance.core.web import PageQuery
from appliance.domains.channels import queries
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.inbound import changes_of
from appliance.domains.channels.tables import RejectedEvent
from appliance.domains.contacts.tables import TimelineEntry
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.queries.privacy import export_contact
from appliance.domains.conversations.schemas import MessageOut
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Topic
from appliance.domains.feeds import queries as feeds
from appliance.domains.feeds.rules import baileys, evolution
from appliance.domains.feeds.rules.evolution import Instance
from appliance.domains.feeds.rules.shapes import Revised
from tests.domains.channels.qr.conftest import said

pytestmark = pytest.mark.only_database("sqlite")
AT = 1795287776
GROUP = "120363000000000001@g.us"


def edited(text, of="3A01", *, at=AT + 60, chat="5531999990001@s.whatsapp.net", **key):
    return wire.Edited(wire.Key(chat, f"{of}-{at}", **key), at, of, "text", {"text": text})


def deleted(of="3A01", *, at=AT + 90, chat="5531999990001@s.whatsapp.net", **key):
    return wire.Deleted(wire.Key(chat, f"{of}-{at}", **key), at, of)


@pytest.fixture
def hear(box, tenant_id, number, run_deliveries):
    """All messages, once this was heard."""

    def take(*events):
        with box.unit(tenant_id) as uow:
            changes = [change for event in events for change in changes_of(wire.encode(event).decode())]
            receive_changes(uow, queries.get_channel(uow, number), changes)
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            return uow.session.scalars(select(Message).order_by(Message.number)).all()

    return take


@pytest.fixture
def found(box, tenant_id):
    def search(words):
        with box.unit(tenant_id, read_only=True) as uow:
            return [hit.message.number for hit in threads.search_messages(uow, words, PageQuery()).items]

    return search


def test_a_changed_message_says_so_where_it_stands_and_what_it_said_is_kept(hear, found, box, tenant_id):
    hear(said("Quero dois sofás"))
    [message] = hear(edited("Quero três poltronas"), edited("Quero três poltronas"), edited("atrasada", at=AT + 30))
    assert (message.content, message.edited_at.timestamp()) == ({"text": "Quero três poltronas"}, AT + 60)
    assert [one["text"] for one in message.earlier] == ["Quero dois sofás"]
    assert (found("poltronas"), found("quero"), found("sofás")) == ([1], [1], [])
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalar(select(Conversation)).preview == "Quero três poltronas"
        assert uow.session.scalar(select(TimelineEntry.summary).where(TimelineEntry.kind == "message.received")) == "Quero três poltronas"
        assert len(uow.session.scalars(select(OutboxRow).where(OutboxRow.name == "message.revised")).all()) == 1
        told = Revised(feeds.said_of(uow, message.id).key, message.edited_at, feeds.said_of(uow, message.id))
    [update] = baileys.events_of(told)["messages.update"]
    now = {"conversation": "Quero três poltronas"}
    assert (update["key"]["id"], update["update"]["message"]) == ("3A01", {"editedMessage": {"message": now}})
    assert evolution.events_of(told, Instance("Loja", "1"))["messages.edited"]["editedMessage"] == now


def test_a_deleted_message_is_hidden_with_its_words_and_its_file(hear, found, box, tenant_id, keep_file):
    picture = keep_file(b"\x89PNG\r\n\x1a\n")
    media = {"blob_id": str(picture.id), "mime_type": "image/png"}
    [message] = hear(said(kind="image", content={"text": "meu RG", "media": media}), deleted(), deleted(), edited("de volta", at=AT + 99))
    assert (message.content, message.deleted_at.timestamp(), found("rg")) == ({}, AT + 90, [])
    late = keep_file(b"late")
    with box.unit(tenant_id) as uow:
        conversations.attach_media(uow, message.id, {"blob_id": str(late.id)})
    hear()
    for file in (picture, late):
        with pytest.raises(NotFound):
            box.blobs.read_all(tenant_id, file.id)
    with box.unit(tenant_id, read_only=True) as uow:
        conversation = uow.session.scalar(select(Conversation))
        shown = MessageOut.model_validate(uow.session.get(Message, message.id)).model_dump()
        assert (conversation.preview, shown["content"], "earlier" in shown) == ("[deleted]", {}, False)
        assert [one["text"] for one in export_contact(uow, conversation.contact_id)["messages"][0]["earlier"]] == ["meu RG"]
        told = Revised(feeds.said_of(uow, message.id).key, message.deleted_at, None)
    assert baileys.events_of(told)["messages.update"][0]["update"]["messageStubType"] == 1
    assert evolution.events_of(told, Instance("Loja", "1"))["messages.delete"]["id"] == "3A01"


def test_of_a_message_that_is_changed_without_end_the_first_and_the_last_words_are_kept(hear):
    [message] = hear(said("0"), *(edited(str(number), at=AT + number) for number in range(1, 30)), deleted())
    assert [one["text"] for one in message.earlier] == ["0", *map(str, range(11, 30))]


@pytest.mark.parametrize("revision", [edited("Nada"), deleted()])
def test_a_summary_of_what_is_not_said_any_more_is_forgotten(hear, box, tenant_id, revision):
    [message] = hear(said("Meu cartão é 4111 1111"))
    with box.unit(tenant_id) as uow:
        wants = {"wants": "pay with 4111 1111"}
        conversations.keep_summary(uow, message.conversation_id, language="pt", up_to_number=1, content=wants, engine="m")
    hear(revision)
    with box.unit(tenant_id, read_only=True) as uow:
        assert threads.find_summary(uow, message.conversation_id, "pt") is None


def test_the_file_of_a_template_stays_when_a_message_with_it_is_deleted(hear, box, tenant_id, keep_file):
    picture = keep_file(b"picture")
    with box.unit(tenant_id) as uow:
        files.use(uow, new_id(), [picture.id])
    media = {"blob_id": str(picture.id), "mime_type": "image/png"}
    [message] = hear(said(kind="image", content={"media": media}, key={"from_me": True}), deleted(from_me=True))
    assert (message.content, box.blobs.read_all(tenant_id, picture.id)) == ({}, b"picture")


def test_a_file_that_was_sent_on_to_another_stays_with_them(hear, box, tenant_id, keep_file):
    picture = keep_file(b"picture")
    media = {"media": {"blob_id": str(picture.id), "mime_type": "image/png"}}
    sent_on = said(wamid="3A02", phone="5531777770002", lid="777", kind="image", content=media, key={"from_me": True})
    hear(said(kind="image", content=media), sent_on, deleted())
    assert box.blobs.read_all(tenant_id, picture.id) == b"picture"
    hear(deleted("3A02", at=AT + 99, chat="5531777770002@s.whatsapp.net", from_me=True))
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, picture.id)


def test_what_was_taken_back_before_it_was_told_stands_so_in_the_story(hear, box, tenant_id):
    hear(said("oi"), deleted())
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalar(select(TimelineEntry.summary).where(TimelineEntry.kind == "message.received")) == "[deleted]"


def test_nobody_changes_what_another_wrote(hear):
    hear(said("Sou eu", "3A01"), said("Da loja", "3A02", key={"from_me": True}))
    hear(wire.Message(wire.Key(GROUP, "G1", participant="5531999990001@s.whatsapp.net"), "Davi", AT, "text", {"text": "Davi"}, group=True))
    by_another = deleted("G1", chat=GROUP, participant="5531888@s.whatsapp.net")
    rows = hear(edited("da loja", from_me=True), edited("do cliente", "3A02"), by_another)
    assert {row.content["text"] for row in rows} == {"Sou eu", "Da loja", "Davi"}
    rows = hear(edited("Da casa", "3A02", from_me=True), deleted("G1", chat=GROUP, participant="5531999990001@s.whatsapp.net"))
    assert [row.content.get("text") for row in rows if row.edited_at or row.deleted_at] in (["Da casa", None], [None, "Da casa"])


def test_nobody_changes_what_stands_in_another_chat(hear):
    hear(said("Sou eu", "3A01"), said("Da loja", "3A02", key={"from_me": True}))
    other = {"chat": "5531777770002@s.whatsapp.net"}
    rows = hear(edited("Fui eu", **other), deleted(**other), edited("Da outra", "3A02", from_me=True, **other), deleted(chat="777777@lid"))
    assert [row.content["text"] for row in rows] == ["Sou eu", "Da loja"]
    [mine, _] = hear(deleted("3A01", chat="111222333444555@lid"))
    assert mine.deleted_at is not None, "a number and its LID are one person"


def test_who_writes_stop_over_an_earlier_message_is_left_alone(hear):
    [message, *_] = hear(said("Bom dia"), edited("SAIR"))
    assert message.topic is Topic.OPT_OUT


def test_what_is_changed_and_never_came_comes_as_it_is_now_and_its_deletion_is_put_aside(hear, box, tenant_id):
    [message] = hear(edited("Quero três", of="3A77"), deleted("3A88"))
    assert (message.content, message.edited_at) == ({"text": "Quero três"}, None)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [row.reason for row in uow.session.scalars(select(RejectedEvent))] == ["deleted"]
