"""What a contact of a linked number writes at this moment, and what they see of us."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations.events import ContactWriting
from appliance.domains.conversations.tables import Conversation
from tests.webui.conftest import ANA
from tests.webui.sending import send
from tests.webui.watch import Watch, open_listening

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def number(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id


@pytest.fixture
def hear(box, ana, number):
    def said(text, message_id):
        heard = wire.Message(wire.Key("5531999990001@s.whatsapp.net", message_id), "Davi", 1_790_000_000, "text", {"text": text})
        with box.unit(ana.tenant_id) as uow:
            channels.keep_envelopes(uow, number, [wire.encode(heard).decode()])
            channels.read_envelopes(uow, number)
        with box.unit(ana.tenant_id, read_only=True) as uow:
            return uow.session.scalars(select(Conversation)).one().id

    return said


@pytest.fixture
def page(ana, site, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    return opened


def is_told(request, state):
    return request.url.endswith("/presence") and request.post_data_json == {"state": state}


def test_who_writes_is_seen_on_both_sides_while_it_lasts(box, ana, page, hear):
    conversation_id = hear("Oi", "3A01")
    open_listening(page, f"/inbox/{conversation_id}")

    def whisper(*, writes):
        with box.unit(ana.tenant_id, read_only=True) as uow:
            uow.whisper(ContactWriting(conversation_id, writes))

    line = page.get_by_text("Davi está escrevendo…")
    for end in (lambda: whisper(writes=False), lambda: hear("Tudo bem?", "3A02")):
        whisper(writes=True)
        line.wait_for()
        end()
        line.wait_for(state="hidden")
    with page.expect_request(lambda sent: is_told(sent, "typing")):
        page.get_by_label("Mensagem para Davi").press_sequentially("o")
    page.keyboard.press("Escape")
    with page.expect_request(lambda sent: is_told(sent, "noting")):
        page.keyboard.press("n")
        page.keyboard.type("x")
    assert page.watch.complaints == []


def test_a_number_keeps_to_itself_what_its_form_says(box, ana, page, number):
    page.goto(f"/channels/{number}")
    for name in ("Mostrar quem está escrevendo", "Marcar como lida no telefone"):
        expect(page.get_by_label(name)).to_be_checked()
    page.get_by_label("Mostrar quem está escrevendo").uncheck()
    form = page.locator("form", has=page.get_by_label("Marcar como lida no telefone"))
    send(form.get_by_role("button", name="Salvar"))
    with box.unit(ana.tenant_id, read_only=True) as uow:
        config = queries.get_channel(uow, number).config
    assert (config["shows_typing"], config["marks_read"]) == (False, True)
