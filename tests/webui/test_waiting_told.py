"""Who waits for a person is seen on every page, and why a message waits in its thread."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions
from appliance.domains.conversations.types import Wait
from tests.factories.conversations import make_conversation
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def page(ana, site, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    return opened


def test_the_bell_and_the_title_of_another_page_say_who_waits_until_somebody_has_it(box, ana, page, run_deliveries):
    with page.expect_response("**/events"):
        page.goto("/contacts")
    with box.unit(ana.tenant_id) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        talk = channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="quero falar com um atendente")
    run_deliveries()
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    page.get_by_role("button", name="Avisos, 1 novo").click()
    page.get_by_role("link", name="Um cliente espera por uma pessoa Beatriz Nogueira").wait_for()
    expect(page).to_have_title(re.compile(r"^[^(]"))
    with box.unit(ana.tenant_id) as uow:
        actions.take_over(uow, talk, user_id=ana.user_id)
    run_deliveries()
    page.get_by_text("Um cliente espera por uma pessoa").wait_for(state="detached")
    assert page.watch.complaints == []


def test_the_thread_says_why_a_message_waits_and_until_when(box, ana, page):
    with box.unit(ana.tenant_id) as uow:
        talk = make_conversation(uow)
        message = actions.reply(uow, talk, user_id=ana.user_id, content={"text": "Pois não"})
        actions.note_waiting(uow, message.id, Wait.NOT_CONNECTED)
    page.goto(f"/inbox/{talk}")
    page.get_by_text("Esperando: O número não está conectado. Sai assim que o número for vinculado de novo.").wait_for()
    with box.unit(ana.tenant_id) as uow:
        actions.hold_until(uow, message.id, uow.now + timedelta(hours=20))
        actions.note_waiting(uow, message.id, Wait.DAILY_LIMIT)
    page.get_by_text(re.compile("^Esperando até .+ O número já enviou o que deve enviar em um dia.$")).wait_for()
    assert page.watch.complaints == []
