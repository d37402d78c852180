"""All of it at once: supervisor, child, the real library, its encryption; only the telephones are ours."""

import os
import signal
import time

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.domains.channels.rules import warming
from appliance.domains.channels.types import LinkState
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import MessageStatus
from tests.domains.channels.qr.conftest import QUICK, watching
from tests.peers.whatsapp import library
from tests.process_list import child_process

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr.driver_library import e2e
from tests.peers.whatsapp.child import sent_to, whatsapp
from tests.peers.whatsapp.peer import PHONE

DRIVER = "tests.peers.whatsapp.driver"
pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def peer(tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "_STEPS", ((0, 1000, 0.01),))
    with whatsapp(tmp_path) as (found, _):
        monkeypatch.setenv("HTTPS_PROXY", found.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", str(found.ca))
        yield found


@pytest.fixture
def watched(box, peer):
    with watching(box, driver=DRIVER, patience=QUICK) as sessions:
        yield sessions


def child_of_mine():
    return int(child_process(DRIVER).name)


@pytest.fixture
def messages(box, tenant_id, run_deliveries):
    """What is kept, once it is as it should be."""

    def wait(wanted):
        deadline = time.monotonic() + 60
        while True:
            run_deliveries()
            with box.unit(tenant_id, read_only=True) as uow:
                rows = uow.session.scalars(select(Message)).all()
            if found := [row for row in rows if wanted(row)]:
                return found[0]
            assert time.monotonic() < deadline, [(row.content, row.status) for row in rows]
            time.sleep(0.05)

    return wait


@pytest.fixture
def reply(box, tenant_id):
    def say(conversation_id, text):
        with box.unit(tenant_id) as uow:
            return conversations.reply(uow, conversation_id, user_id=new_id(), content={"text": text}).id

    return say


@pytest.fixture
def opened(watched, begin, peer, await_link):
    """Linked as a person does it: the code of the page goes before a telephone."""
    begin()
    peer.scan(await_link(LinkState.QR).qr)
    assert await_link(LinkState.OPEN).jid == f"{PHONE}@s.whatsapp.net"
    return await_link(lambda row: row.store is not None)


def test_question_and_answer_go_through_whatsapps_own_encryption(opened, peer, messages, reply):
    peer.message("A1", e2e.Message(conversation="Quanto custa?"))
    asked = messages(lambda row: row.content.get("text") == "Quanto custa?")
    answer = reply(asked.conversation_id, "R$ 10")
    messages(lambda row: row.id == answer and row.status is MessageStatus.SENT)
    (stanza,) = sent_to(peer)
    assert e2e.Message.FromString(peer.opened(stanza)).conversation == "R$ 10"
    peer.receipt(stanza.attrs["id"], "read")
    messages(lambda row: row.id == answer and row.status is MessageStatus.READ)


def test_child_that_is_killed_comes_back_by_itself_and_an_unlinked_one_does_not(opened, peer, messages, await_link):
    connection = peer.now
    os.kill(child_of_mine(), signal.SIGKILL)
    await_link(lambda row: row.state is LinkState.OPEN and row.connected_at > opened.connected_at)
    assert peer.now is not connection
    peer.message("A1", e2e.Message(conversation="E agora?"))
    messages(lambda row: row.content.get("text") == "E agora?")
    peer.remove_device()
    await_link(LinkState.LOGGED_OUT)
