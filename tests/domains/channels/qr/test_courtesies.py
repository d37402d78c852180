"""Who writes, who looks and what was read goes between the inbox and the phone, and is kept nowhere."""

import json

import pytest
from sqlalchemy import select

from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.outbox import OutboxRow
from appliance.domains.agents.events import AgentWriting
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.rules.writing import AGAIN_S, MOST_CHATS, Writing
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import Presence
from tests.domains.channels.qr.conftest import ANA, said

CHAT = "5531999990001@s.whatsapp.net"
pytestmark = pytest.mark.only_database("sqlite")


def test_writing_is_told_again_while_it_lasts_and_ends_by_itself():
    writing = Writing()
    assert writing.begin("a", 0, for_s=25)
    assert not writing.begin("a", 5, for_s=25)
    assert not list(writing.due(AGAIN_S - 1))
    assert list(writing.due(AGAIN_S)) == [("a", True)]
    assert not list(writing.due(AGAIN_S + 1))
    assert list(writing.due(30)) == [("a", False)]
    assert not list(writing.due(99))
    assert not writing.end("a")


def test_a_number_writes_in_so_many_chats_at_most():
    writing = Writing()
    assert [writing.begin(str(number), 0, for_s=9) for number in range(MOST_CHATS + 1)] == [True] * MOST_CHATS + [False]
    assert writing.end("0")
    assert writing.begin("another", 0, for_s=9)


@pytest.fixture
def asked(opened, phones, box, tenant_id, run_deliveries):
    """Davi wrote twice; his conversation."""
    phones.say(said("Oi", "3A01"))
    phones.say(said("Tudo bem?", "3A02"))

    def arrived():
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            return uow.session.scalars(select(Message).where(Message.provider_message_id == "3A02")).first()

    phones.await_(arrived)
    return arrived().conversation_id


@pytest.fixture
def allow(box, tenant_id, number):
    def change(**config):
        with box.unit(tenant_id, ANA) as uow:
            actions.change_channel(uow, number, ChannelPatch(active=True, config=config))

    return change


def test_reading_marks_what_was_unread_once_and_writes_no_row_for_it(asked, box, tenant_id, phones):
    for _ in range(2):
        with box.unit(tenant_id, ANA) as uow:
            conversations.mark_read(uow, asked)
    with box.unit(tenant_id) as uow:
        uow.whisper(AgentWriting(asked, writes=True))
    phones.await_(lambda: any("writes" in one for one in phones.asked))
    assert [one for one in phones.asked if "read" in one] == [{"read": ["3A01", "3A02"], "chat": CHAT}]
    with box.unit(tenant_id, read_only=True) as uow:
        names = ("conversation.read", "agent.writing", "person.here", "contact.writing")
        assert not uow.session.scalars(select(OutboxRow).where(OutboxRow.name.in_(names))).all()


def test_who_types_in_the_inbox_is_seen_to_and_who_notes_is_not(here, phones):
    here(Presence.NOTING)
    here(Presence.TYPING)
    here(Presence.TYPING)
    here(Presence.READING)
    phones.await_(lambda: {"writes": False, "chat": CHAT} in phones.asked)
    assert [one for one in phones.asked if "writes" in one] == [{"writes": True, "chat": CHAT}, {"writes": False, "chat": CHAT}]
    assert phones.asked[0] == {"looks": True}


def test_a_number_that_keeps_it_to_itself_tells_neither(allow, asked, here, box, tenant_id, phones, opened):
    allow(shows_typing=False, marks_read=False)
    here(Presence.TYPING)
    with box.unit(tenant_id, ANA) as uow:
        conversations.mark_read(uow, asked)
    allow(shows_typing=True, marks_read=False)
    here(Presence.READING)
    phones.await_(lambda: phones.asked)
    assert phones.asked == [{"looks": True}]


def test_what_the_contact_types_is_whispered_to_the_team(asked, box, phones):
    with box.redis.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(LIVE_CHANNEL)
        heard.get_message(timeout=60)
        phones.say(wire.Typing("5531000000000@s.whatsapp.net", writes=True))
        phones.say(wire.Typing("111222333444555@lid", writes=True, chat_alt=CHAT))
        while (note := json.loads(heard.get_message(timeout=60)["data"]))["event"] != "contact.writing":
            pass
    assert note["ids"] == {"conversation_id": str(asked), "writes": True}
    assert "seq" not in note
