"""Messages over a link: in both directions, once each, whatever is killed."""

import base64
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from appliance.core.ids import new_id
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.web import PageQuery
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.rules import pacing, warming
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.channels.tables import WhatsappSession
from appliance.domains.channels.types import LinkState
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import MessageKind, MessageStatus, Sender
from tests.domains.channels.qr.conftest import said
from tests.peers.phones import OPEN

pytestmark = pytest.mark.only_database("sqlite")
ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """A person's pace takes a person's time."""
    monkeypatch.setattr(warming, "_STEPS", ((0, 1000, 0.01),))


@pytest.fixture
def arrived(box, tenant_id, run_deliveries):
    """All messages, once there are as many."""

    def read(number, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while True:
            run_deliveries()
            with box.unit(tenant_id, read_only=True) as uow:
                rows = uow.session.scalars(select(Message).order_by(Message.created_at, Message.number)).all()
            if len(rows) >= number:
                return rows
            assert time.monotonic() < deadline, [row.content for row in rows]
            time.sleep(0.05)

    return read


@pytest.fixture
def customer(opened, phones, arrived):
    """Somebody who has written; their conversation."""
    phones.say(said("Bom dia"))
    return arrived(1)[0].conversation_id


@pytest.fixture
def write(box, tenant_id, customer):
    def reply(text="Olá!", **given):
        with box.unit(tenant_id) as uow:
            content = {"text": text, **given.pop("content", {})}
            return conversations.reply(uow, customer, user_id=new_id(), content=content, **given).id

    return reply


@pytest.fixture
def status(box, tenant_id):
    def read(message_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return uow.session.get(Message, message_id).status

    return read


def wait(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def forget_waits(box):
    with box.whole_box("test") as uow:
        waiting = Delivery.state == DeliveryState.PENDING
        uow.session.execute(update(Delivery).where(waiting).values(next_at=uow.now - timedelta(seconds=1)))


def test_both_names_of_a_person_are_kept_and_a_message_is_stored_once(opened, phones, arrived, box, tenant_id):
    phones.say(said("Bom dia", "3A01"))
    phones.say(said("Bom dia", "3A01"))
    phones.say(said("de novo", "3A02", key={"addressing_mode": "lid"}))
    rows = arrived(2)
    assert [row.content["text"] for row in rows] == ["Bom dia", "de novo"]
    with box.unit(tenant_id, read_only=True) as uow:
        conversation = uow.session.get(Conversation, rows[0].conversation_id)
        kinds = {row.kind: row.value for row in contacts.list_identities(uow, conversation.contact_id)}
    assert conversation.address == "5531999990001"
    assert kinds[IdentityKind.WHATSAPP_LID] == "111222333444555"
    assert kinds[IdentityKind.WHATSAPP].endswith("5531999990001")


def test_what_is_no_person_writing_is_left_out(opened, phones, arrived):
    phones.say(wire.Message(wire.Key("status@broadcast", "1"), "x", 1, "text", {"text": "story"}))
    phones.say(wire.Message(wire.Key("12036@g.us", "2", participant="5531@s.whatsapp.net"), "x", 1, "text", {"text": "group"}, group=True))
    phones.say(said("eu"))
    assert [row.content["text"] for row in arrived(1)] == ["eu"]


def test_what_somebody_writes_on_the_phone_itself_is_seen_as_sent(customer, phones, arrived, status):
    phones.say(said("Respondo já", "3A77", key={"from_me": True}))
    echo = arrived(2)[-1]
    assert (echo.sender, echo.sender_id, echo.status, echo.conversation_id) == (Sender.USER, None, MessageStatus.SENT, customer)
    phones.say(wire.Receipt(("3A77",), "read", int(time.time()), "5531999990001@s.whatsapp.net"))
    wait(lambda: arrived(2) and status(echo.id) is MessageStatus.READ)


def test_a_voice_note_that_was_heard_is_played_and_stays_so(customer, phones, arrived, status, box, tenant_id):
    phones.say(said("", "3A78", key={"from_me": True}))
    echo = arrived(2)[-1]
    for kind in ("played", "read", "delivered"):
        phones.say(wire.Receipt(("3A78",), kind, int(time.time()), "5531999990001@s.whatsapp.net"))
    phones.say(said("ouvi", "3A79"))  # kept after the receipts, hence read after them
    arrived(3)
    assert status(echo.id) is MessageStatus.PLAYED
    with box.unit(tenant_id, read_only=True) as uow:
        note = threads.get_message(uow, echo.id)
    assert note.read_at == note.delivered_at is not None


def test_what_was_written_on_the_phone_is_found_by_its_words(customer, phones, arrived, box, tenant_id):
    phones.say(said("Segue o orçamento", "3A77", key={"from_me": True}))
    arrived(2)
    with box.unit(tenant_id, read_only=True) as uow:
        [found] = threads.search_messages(uow, "orçamentos", PageQuery()).items
    assert (found.conversation.id, found.message.provider_message_id) == (customer, "3A77")


def test_a_reply_goes_out_and_its_receipts_come_back(write, phones, run_deliveries, status):
    message_id = write()
    run_deliveries()
    [sent] = phones.sent
    assert (sent["send"], sent["to"], sent["content"]["text"]) == (str(message_id), "5531999990001@s.whatsapp.net", "Olá!")
    assert status(message_id) is MessageStatus.SENT
    phones.say(wire.Receipt((sent["provider_id"],), "delivered", int(time.time()), sent["to"]))
    wait(lambda: run_deliveries() and status(message_id) is MessageStatus.DELIVERED)


def test_files_go_both_ways_sealed_between(write, phones, box, tenant_id, keep_file, arrived, run_deliveries):
    ref = keep_file(b"%PDF-1.4 tabela")
    media = {"blob_id": str(ref.id), "mime_type": "application/pdf", "filename": "tabela.pdf", "size": ref.size}
    write("A tabela", kind=MessageKind.DOCUMENT, content={"media": media})
    run_deliveries()
    assert base64.b64decode(phones.sent[0]["body"]) == b"%PDF-1.4 tabela"
    picture = b"\x89PNG\r\n\x1a\n" + bytes(40)
    content = {"media": {"provider_id": base64.b64encode(picture).decode(), "mime_type": "image/png"}}
    phones.say(said(wamid="3A09", kind="image", content=content))
    arrived(3)
    run_deliveries()
    stored = arrived(3)[-1].content["media"]
    assert b"".join(box.blobs.read(tenant_id, UUID(stored["blob_id"]))) == picture
    assert stored["true_type"] == "image/png"


def test_what_whatsapp_refuses_fails_with_its_words_and_counts_for_the_risk(write, run_deliveries, box, tenant_id, number):
    message_id = write("refuse me")
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        message, week = uow.session.get(Message, message_id), queries.get_meter(uow, number).week
    assert (message.status, "not a WhatsApp number" in message.error) == (MessageStatus.FAILED, True)
    assert (week.sent, week.received, week.refused) == (1, 1, 1)


def test_buttons_become_numbered_text(write, phones, run_deliveries):
    write("Qual?", kind=MessageKind.BUTTONS, content={"buttons": [{"id": "a", "title": "Sofá"}, {"id": "b", "title": "Mesa"}]})
    run_deliveries()
    assert (phones.sent[0]["kind"], phones.sent[0]["content"]["text"]) == ("text", "Qual?\n1. Sofá\n2. Mesa")


@pytest.mark.parametrize("event", [wire.LoggedOut(401, "removed"), wire.Banned(403, "spam", 0)])
def test_what_is_written_while_the_link_is_shut_waits_and_goes_in_order_when_it_opens(  # noqa: PLR0917
    event, write, phones, await_link, begin, box, run_deliveries, status
):
    phones.say(event)
    await_link(lambda row: not row.wanted)
    ids = [write(text) for text in ("um", "dois", "três")]
    for _ in range(3):
        forget_waits(box)
        run_deliveries()
    assert {status(one) for one in ids} == {MessageStatus.QUEUED}
    phones.greeting = None
    begin()
    phones.await_(lambda: len(phones.hellos) == 2)
    phones.say(wire.Paired(OPEN.jid, OPEN.lid, "android"))
    phones.say(OPEN)
    await_link(LinkState.OPEN)
    run_deliveries()
    assert [sent["content"]["text"] for sent in phones.sent] == ["um", "dois", "três"]


def test_a_child_killed_while_it_sends_does_not_send_twice(write, phones, await_link, run_deliveries, box, status):
    phones.acknowledges = False
    message_id = write()
    worker = threading.Thread(target=run_deliveries)
    worker.start()
    phones.await_(lambda: phones.sent)
    phones.kill_driver()
    worker.join(60)
    assert status(message_id) is MessageStatus.QUEUED
    phones.await_(lambda: len(phones.hellos) == 2)
    await_link(LinkState.OPEN)
    phones.acknowledges = True
    forget_waits(box)
    run_deliveries()
    assert (len(phones.sent), status(message_id)) == (1, MessageStatus.UNCONFIRMED)
    phones.say(wire.Receipt((phones.sent[0]["provider_id"],), "delivered", int(time.time()), phones.sent[0]["to"]))
    wait(lambda: run_deliveries() and status(message_id) is MessageStatus.DELIVERED)


def test_a_person_may_send_again_what_nobody_confirmed(write, phones, run_deliveries, box, tenant_id, status, await_link):
    phones.acknowledges = False
    message_id = write()
    worker = threading.Thread(target=run_deliveries)
    worker.start()
    phones.await_(lambda: phones.sent)
    phones.kill_driver()
    worker.join(60)
    phones.await_(lambda: len(phones.hellos) == 2)
    await_link(LinkState.OPEN)
    forget_waits(box)
    run_deliveries()
    phones.acknowledges = True
    with box.unit(tenant_id) as uow:
        conversations.retry_message(uow, message_id)
    run_deliveries()
    assert (len(phones.sent), status(message_id)) == (2, MessageStatus.SENT)


def test_what_exceeds_the_day_waits_for_its_turn_and_waiting_is_no_try(
    write, phones, run_deliveries, box, tenant_id, status, number
):
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, number, ChannelPatch(active=True, config={"daily_limit": 1}))
    first, second = write("um"), write("dois")
    for _ in range(pacing.MAX_ATTEMPTS + 2):
        run_deliveries()
        forget_waits(box)
    assert (status(first), status(second)) == (MessageStatus.SENT, MessageStatus.QUEUED)
    with box.unit(tenant_id) as uow:
        uow.session.get(Message, second).send_after = uow.now
    run_deliveries()
    assert status(second) is MessageStatus.SENT


@pytest.fixture
def supervisor(box, phones, tmp_path):
    """As a process of its own."""
    settings = box.settings
    environ = {
        "SALESEDGE_HOME": settings.home,
        "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file,
        "SALESEDGE__NETWORK__MODE": "connected",
    }
    running = []

    def start():
        command = [sys.executable, "-m", "tests.domains.channels.qr.supervising"]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **{name: str(value) for name, value in environ.items()}})
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_a_supervisor_killed_amid_sending_takes_its_child_along_and_nothing_is_sent_twice_or_lost(  # noqa: PLR0917
    supervisor, begin, phones, await_link, arrived, box, tenant_id, run_deliveries, status
):
    first = supervisor()
    begin()
    phones.await_(lambda: phones.hellos, 90)
    phones.say(wire.Paired(OPEN.jid, OPEN.lid, "android"))
    phones.say(OPEN)
    await_link(LinkState.OPEN)
    phones.say(said("Bom dia"))
    customer = arrived(1)[0].conversation_id
    ids = []
    for number in range(20):
        with box.unit(tenant_id) as uow:
            ids.append(conversations.reply(uow, customer, user_id=new_id(), content={"text": str(number)}).id)
    worker = threading.Thread(target=run_deliveries)
    worker.start()
    phones.await_(lambda: len(phones.sent) >= 5)
    pid = phones.hellos[-1]["pid"]
    first.kill()
    first.wait()
    wait(lambda: not Path(f"/proc/{pid}").exists())
    worker.join(60)
    supervisor()
    phones.await_(lambda: len(phones.hellos) == 2, 90)
    assert phones.hellos[1]["hello"] == OPEN.jid
    await_link(LinkState.OPEN)
    for _ in range(5):
        forget_waits(box)
        run_deliveries()
    for sent in phones.sent:
        phones.say(wire.Receipt((sent["provider_id"],), "delivered", int(time.time()), sent["to"]))
    wait(lambda: run_deliveries() is not None and {status(one) for one in ids} == {MessageStatus.DELIVERED})
    assert Counter(sent["send"] for sent in phones.sent) == Counter(str(one) for one in ids)
    assert [sent["content"]["text"] for sent in phones.sent] == [str(number) for number in range(20)]


def test_a_supervisor_that_is_away_keeps_messages_waiting(write, phones, run_deliveries, status, box, tenant_id, number):
    with box.unit(tenant_id) as uow:
        old = uow.now - timedelta(hours=1)
        uow.session.execute(update(WhatsappSession).where(WhatsappSession.channel_id == number).values(seen_at=old))
    message_id = write()
    run_deliveries()
    assert (phones.sent, status(message_id)) == ([], MessageStatus.QUEUED)
    with box.unit(tenant_id) as uow:
        actions.note_alive(uow, number)
    run_deliveries()
    assert status(message_id) is MessageStatus.SENT
