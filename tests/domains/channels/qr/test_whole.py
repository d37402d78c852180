"""The whole way with nothing in place of ours: supervisor, confined child, the real library, a peer that speaks WhatsApp's handshake."""

import os
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.domains.channels import actions
from appliance.domains.channels.rules import warming
from appliance.domains.channels.types import Ending, LinkState
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import MessageStatus
from appliance.entrypoints.linked import Patience
from appliance.entrypoints.sessions import Sessions
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr.driver_library import e2e
from tests.peers.whatsapp.child import environment, sent_to, whatsapp

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def peer(tmp_path, monkeypatch):
    with whatsapp(tmp_path) as (peer, libraries):
        for name, value in environment(peer, libraries).items():
            monkeypatch.setenv(name, value)
        yield peer


@pytest.fixture
def sessions(box, peer):
    running = Sessions(box, patience=Patience(look=0.1, glance=0.1, burst=0.2, retries=0.05))
    running.open_door()
    thread = threading.Thread(target=running.watch, daemon=True)
    thread.start()
    yield running
    running.stop()
    thread.join(10)


def test_a_number_is_linked_heard_answered_killed_resumed_and_removed(  # noqa: PLR0917
    sessions, begin, peer, await_link, box, tenant_id, number, run_deliveries, monkeypatch
):
    monkeypatch.setattr(warming, "_STEPS", ((0, 1000, 0.01),))
    begin()
    peer.scan(await_link(lambda row: row.qr is not None, 60).qr)
    await_link(LinkState.OPEN, 60)
    child = sessions.links[number].child
    assert str(os.getpid()) in Path(f"/proc/{child.pid}/stat").read_text().split()

    peer.message("A1", e2e.Message(conversation="Quanto custa?"))
    [asked] = messages(box, tenant_id, run_deliveries, 1)
    assert asked.content["text"] == "Quanto custa?"
    with box.unit(tenant_id) as uow:
        message_id = conversations.reply(uow, asked.conversation_id, user_id=new_id(), content={"text": "Dez reais"}).id
    run_deliveries()
    sent = messages(box, tenant_id, run_deliveries, 2)[-1]
    assert (sent.id, sent.status) == (message_id, MessageStatus.SENT)
    assert [one.attrs["id"] for one in sent_to(peer)] == [sent.provider_message_id]
    peer.receipt(sent.provider_message_id, "read")
    wait(lambda: messages(box, tenant_id, run_deliveries, 2)[-1].status is MessageStatus.READ)

    child.end()
    await_link(lambda row: row.state is LinkState.OPEN and sessions.links[number].child not in (None, child), 60)
    with box.unit(tenant_id) as uow:
        conversations.reply(uow, asked.conversation_id, user_id=new_id(), content={"text": "Ainda aqui"})
    run_deliveries()
    assert messages(box, tenant_id, run_deliveries, 3)[-1].status is MessageStatus.SENT

    peer.remove_device()
    row = await_link(lambda row: row.ending is Ending.LOGGED_OUT, 60)
    assert (row.state, row.wanted) == (LinkState.LOGGED_OUT, False)


def messages(box, tenant_id, run_deliveries, number):
    found = []

    def read():
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            found[:] = uow.session.scalars(select(Message).order_by(Message.number)).all()
        return len(found) >= number

    wait(read)
    return found


def wait(condition, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_it_is_unlinked_at_the_phone_too(sessions, begin, peer, await_link, box, tenant_id, number):
    begin()
    peer.scan(await_link(lambda row: row.qr is not None, 60).qr)
    await_link(LinkState.OPEN, 60)
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
    row = await_link(lambda row: row.store is None and not row.leaving, 60)
    assert row.ending is Ending.UNLINKED
    assert sessions.links == {} or not sessions.links[number].is_open
