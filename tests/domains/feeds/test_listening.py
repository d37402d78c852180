"""Who listens to a linked number is told: in order, again until it is heard, signed, and of nobody who was erased."""

from base64 import b64encode
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from appliance.core.config import NetworkMode
from appliance.core.ids import new_id
from appliance.core.outbox import MAX_ATTEMPTS, Delivery, DeliveryState
from appliance.domains.channels import actions as channels
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.feeds import jobs, queries
from appliance.domains.feeds.tables import Feed, FeedItem
from tests.domains.feeds.conftest import ANA, LID, PHONE, said
from tests.suspending import resume, suspend

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def due_now(box):
    """What is tried again later is tried now."""

    def wake():
        with box.whole_box("test") as uow:
            waiting = Delivery.state == DeliveryState.PENDING
            uow.session.execute(update(Delivery).where(waiting).values(next_at=uow.now - timedelta(seconds=1), enqueued_at=None))

    return wake


@pytest.fixture
def feed(box, tenant_id, number):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_feed(uow, number)

    return read


def texts(listener):
    upserts = [body["messages.upsert"] for body in listener.bodies if "messages.upsert" in body]
    return [message["message"]["conversation"] for upsert in upserts for message in upsert["messages"]]


def test_messages_are_told_in_order_signed_and_with_both_names(listening, hear, run_deliveries, listener, feed):
    secret = listening()
    hear(said("um", "3A01"), said("dois", "3A02"))
    hear(said("três", "3A03"))
    run_deliveries()
    assert texts(listener) == ["um", "dois", "três"]
    assert all(one.is_signed_with(secret) for one in listener.heard)
    key = listener.bodies[0]["messages.upsert"]["messages"][0]["key"]
    assert key == {"remoteJid": f"{PHONE}@s.whatsapp.net", "remoteJidAlt": f"{LID}@lid", "fromMe": False, "id": "3A01",
                   "addressingMode": "pn"}
    assert (feed().problem, feed().told_at is not None) == ("", True)


def test_nothing_is_kept_where_nobody_listens(hear, run_deliveries, box, tenant_id):
    hear(said("um"))
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(FeedItem)).all() == []


def test_who_does_not_answer_is_asked_again_and_order_holds(listening, hear, run_deliveries, listener, due_now, feed):
    listening()
    listener.answers += [500, 503]
    hear(said("um", "3A01"), said("dois", "3A02"))
    run_deliveries()
    assert (texts(listener), "500" in feed().problem) == (["um"], True)
    due_now()
    run_deliveries()
    due_now()
    run_deliveries()
    assert (texts(listener), feed().problem) == (["um", "um", "um", "dois"], "")
    assert len({one.headers["X-SalesEdge-Delivery"] for one in listener.heard}) == 2


def test_another_chat_does_not_wait_for_it(listening, hear, run_deliveries, listener):
    listening()
    listener.answers += [500]
    other = wire.Message(wire.Key("5531988880000@s.whatsapp.net", "3B01"), "Bia", 1_770_000_000, "text", {"text": "outra"})
    hear(said("um", "3A01"))
    hear(other)
    run_deliveries()
    assert texts(listener) == ["um", "outra"]


def test_what_nobody_heard_after_the_last_try_is_left_out_and_said(listening, hear, run_deliveries, listener, due_now, feed, box):
    listening()
    listener.answers += [500]
    hear(said("um", "3A01"), said("dois", "3A02"))
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(attempts=0))
    run_deliveries()
    with box.whole_box("test") as uow:
        mine = Delivery.subscriber == "feeds.tell_program", Delivery.attempts > 0
        uow.session.execute(update(Delivery).where(*mine).values(attempts=MAX_ATTEMPTS - 1))
    listener.answers += [500]
    due_now()
    run_deliveries()
    assert texts(listener) == ["um", "um", "dois"]
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.scalars(select(Delivery.id).where(Delivery.state == DeliveryState.DEAD)).all() == []


def test_who_says_that_it_is_gone_is_not_called_again(listening, hear, run_deliveries, listener, feed):
    listening()
    listener.answers += [410]
    hear(said("um", "3A01"), said("dois", "3A02"))
    run_deliveries()
    assert (len(listener.heard), feed().active, "410" in feed().problem) == (1, False, True)


def test_a_sealed_box_keeps_what_is_to_be_told(box, listening, hear, run_deliveries, due_now, feed):
    listening(url="https://hooks.example/x")
    box.outbound._settings = box.outbound._settings.model_copy(update={"mode": NetworkMode.SEALED})
    hear(said("um"))
    run_deliveries()
    assert "network.mode" in feed().problem
    with box.whole_box("test", read_only=True) as uow:
        mine = select(Delivery.state).where(Delivery.subscriber == "feeds.tell_program")
        assert uow.session.scalars(mine).all() == [DeliveryState.PENDING]


def test_the_link_is_told_with_its_code_and_why_it_is_shut(listening, run_deliveries, listener, box, tenant_id, number):
    listening()
    for change in (
        lambda uow: channels.show_connecting(uow, number),
        lambda uow: channels.show_qr(uow, number, "2@first", 20),
        lambda uow: channels.note_open(uow, number, jid="5511:3@s.whatsapp.net", lid="", push_name="Loja"),
        lambda uow: channels.note_closed(uow, number, 503, "away", attempt=1, retry_at=None),
    ):
        with box.unit(tenant_id) as uow:
            change(uow)
        run_deliveries()
    told = [body["connection.update"] for body in listener.bodies]
    assert told[:3] == [{"connection": "connecting"}, {"qr": "2@first"}, {"connection": "open"}]
    assert told[3]["lastDisconnect"]["error"]["output"]["statusCode"] == 503


def test_a_state_that_has_passed_is_told_as_it_was(listening, run_deliveries, listener, box, tenant_id, number):
    listening()
    with box.unit(tenant_id) as uow:
        channels.show_connecting(uow, number)
        channels.show_qr(uow, number, "2@first", 20)
    run_deliveries()
    assert [body["connection.update"] for body in listener.bodies] == [{"connection": "connecting"}, {"qr": "2@first"}]


def test_our_own_messages_keep_one_id_from_the_first_to_the_last_event(listening, hear, run_deliveries, listener, box, tenant_id, number):
    listening()
    hear(said("um", "3A01"))
    with box.unit(tenant_id, ANA) as uow:
        thread = uow.session.scalars(select(Conversation)).one().id
        message_id = conversations.reply(uow, thread, user_id=new_id(), content={"text": "Olá"}).id
        outgoing = conversations.begin_sending(uow, message_id)
        conversations.confirm_sent(uow, message_id, "3EB0REAL")
        channels.tell_sent(uow, outgoing)
    hear(wire.Receipt(("3EB0REAL",), "read", 1_770_000_000, f"{PHONE}@s.whatsapp.net"))
    with box.unit(tenant_id) as uow:
        channels.tell_failed(uow, message_id)
    run_deliveries()
    sent, read, failed = listener.bodies[-3:]
    assert sent["messages.upsert"]["messages"][0]["key"]["id"] == read["messages.update"][0]["key"]["id"] == message_id.hex.upper()
    assert [body["messages.update"][0]["update"]["status"] for body in (read, failed)] == [4, 0]
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.find_named_message(uow, number, message_id.hex.upper()) == message_id
        assert queries.find_named_message(uow, number, "3A01") is not None
        assert queries.find_named_message(uow, number, new_id().hex) is queries.find_named_message(uow, number, "zz") is None


def test_of_an_erased_person_nothing_is_told(listening, hear, run_deliveries, listener, box, tenant_id, due_now):
    listening()
    listener.answers += [500]
    hear(said("segredo"))
    run_deliveries()
    with box.unit(tenant_id, ANA) as uow:
        contacts.delete_contact(uow, uow.session.scalars(select(Conversation)).one().contact_id)
    due_now()
    run_deliveries()
    assert len(listener.heard) == 1


def test_only_wanted_events_are_told(listening, hear, run_deliveries, listener, box, tenant_id, number):
    listening(events=["connection.update"])
    hear(said("um"))
    with box.unit(tenant_id) as uow:
        channels.note_open(uow, number, jid="5511@s.whatsapp.net", lid="", push_name="Loja")
    run_deliveries()
    assert [set(body) for body in listener.bodies] == [{"connection.update", "salesedge"}]


def test_files_go_along_once_they_have_come(listening, hear, run_deliveries, listener, box, tenant_id, keep_file, due_now):  # noqa: PLR0917
    listening(shape="evolution", with_files=True)
    hear(said(kind="image", content={"media": {"provider_id": "r", "mime_type": "image/png"}}))
    run_deliveries()
    assert listener.heard == []
    blob = keep_file(b"png")
    with box.unit(tenant_id) as uow:
        message = uow.session.scalars(select(Message)).one()
        conversations.attach_media(uow, message.id, {"blob_id": str(blob.id), "size": 3})
    due_now()
    run_deliveries()
    [told] = listener.bodies
    assert told["data"]["message"]["base64"] == b64encode(b"png").decode()
    assert told["data"]["message"]["imageMessage"]["url"].endswith(f"/api/v1/messages/{told['data']['messageId']}/media")


def test_a_file_that_never_comes_holds_up_nobody_for_long(listening, hear, run_deliveries, listener, box, due_now):
    listening(shape="evolution", with_files=True)
    hear(said(kind="image", content={"media": {"provider_id": "r", "mime_type": "image/png"}}))
    run_deliveries()
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).where(Delivery.subscriber == "feeds.tell_program").values(attempts=5))
    due_now()
    run_deliveries()
    assert [body["event"] for body in listener.bodies] == ["messages.upsert"]


def test_what_is_old_is_forgotten_and_a_deleted_channel_has_no_listener(listening, hear, run_deliveries, box, tenant_id, number):
    listening()
    with box.unit(tenant_id) as uow:
        channels.show_connecting(uow, number)
    run_deliveries()
    with box.whole_box("test") as uow:
        uow.session.execute(update(FeedItem).values(happened_at=uow.now - timedelta(days=4)))
    jobs.prune_items(box)
    with box.unit(tenant_id) as uow:
        assert uow.session.scalars(select(FeedItem)).all() == []
        channels.delete_channel(uow, number)
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(Feed)).all() == []


def test_what_a_suspended_organisation_has_to_tell_is_kept_however_old(listening, hear, run_deliveries, box, tenant_id):
    def kept():
        jobs.prune_items(box)
        with box.unit(tenant_id, read_only=True) as uow:
            return len(uow.session.scalars(select(FeedItem)).all())

    listening()
    hear(said("um"))
    run_deliveries()
    with box.whole_box("test") as uow:
        uow.session.execute(update(FeedItem).values(happened_at=uow.now - timedelta(days=4)))
    suspend(box, tenant_id)
    assert kept() == 1
    resume(box, tenant_id)
    assert kept() == 0


def test_what_was_missed_is_found_again(listening, hear, run_deliveries, box, tenant_id, number):
    listening(url="")
    for turn in range(3):
        hear(said(f"{turn}", f"3A0{turn}"))
    run_deliveries()
    with box.unit(tenant_id) as uow:
        items = uow.session.scalars(select(FeedItem).order_by(FeedItem.id)).all()
        items[0].happened_at -= timedelta(minutes=1)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.id for one in queries.list_after(uow, number, items[0].id)] == [one.id for one in items[1:]]
        assert queries.list_after(uow, number, new_id()) == []


def test_the_api_sets_up_tries_and_ends_it(client, number, listener, run_deliveries):
    address = f"/api/v1/channels/{number}/feed"
    assert client.get(address).status_code == 404
    answer = client.post(address, json={"url": listener.url, "events": ["messages.upsert"]})
    assert (answer.status_code, answer.json["shape"], "secret" in answer.json) == (200, "baileys", False)
    secret = client.post(f"{address}/secret").json["secret"]
    assert client.post(f"{address}/test").json == {"ok": True, "detail": ""}
    assert listener.heard[0].is_signed_with(secret)
    listener.answers += [404]
    tried = client.post(f"{address}/test").json
    assert (tried["ok"], "404" in tried["detail"]) == (False, True)
    assert client.post(address, json={"events": ["chats.upsert"]}).status_code == 422
    assert client.post(address, json={"url": "ftp://a.example"}).status_code == 422
    assert client.post(f"/api/v1/channels/{new_id()}/feed", json={}).status_code == 404
    assert client.post(address, json={"url": ""}).status_code == 200
    assert client.post(f"{address}/test").json["ok"] is False
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
