"""How it was: asked by the link of a mail, kept, and shown to the team."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions
from appliance.domains.conversations.queries import surveys
from appliance.domains.conversations.schemas import SurveySettingIn
from tests.webui.conftest import ANA
from tests.webui.sending import send
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def asked(box, ana):
    """Beatriz was answered and asked; the address of the question."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        actions.set_survey(uow, phone, SurveySettingIn())
        conversation_id = channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="Alguém aí?")
        actions.reply(uow, conversation_id, user_id=ana.user_id, content={"text": "Oi!"})
        actions.resolve(uow, conversation_id)
        survey = actions.ask(uow, conversation_id)
        return conversation_id, f"/rate/{survey.id}/{surveys.token_of(uow, survey.id)}"


def test_a_link_shows_a_page_a_press_votes_once_and_the_team_sees_it(ana, site, new_context, asked):
    conversation_id, address = asked
    guest = new_context(viewport={"width": 390, "height": 800}).new_page()
    watch = Watch(guest, site.url)
    for _look in range(2):  # a scanner looked first
        guest.goto(f"{address}?score=4")
    expect(guest.get_by_role("radio", name="Bom")).to_be_checked()
    guest.get_by_label("O que você quer nos dizer?").fill("Foi rápido <b>")
    guest.get_by_role("button", name="Enviar").click()
    guest.get_by_role("heading", name="Obrigado").wait_for()
    guest.goto(address)
    guest.get_by_text("já foi respondida").wait_for()
    assert watch.complaints == []
    page = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    page.watch = Watch(page, site.url)
    page.goto(f"/inbox/{conversation_id}")
    page.locator(".event", has_text="4 de 5").wait_for()
    page.goto("/inbox/settings/satisfaction")
    page.get_by_text("Foi rápido <b>").wait_for()
    page.get_by_text("de 1 perguntado").wait_for()
    page.get_by_role("form", name="Balcão").get_by_text("Texto e intervalo").click()
    page.get_by_role("textbox", name="Pergunta").fill("Como foi?")
    page.get_by_label("Não de novo em menos de, em dias").fill("0")
    send(page.get_by_role("button", name="Salvar Balcão"))
    expect(page.get_by_role("textbox", name="Pergunta")).to_have_value("Como foi?")
    page.get_by_label("Não de novo em menos de, em dias").fill("10")
    page.get_by_role("button", name="Salvar Balcão").click()
    page.get_by_text("Salvo.").wait_for()
    assert [one for one in page.watch.complaints if "422" not in str(one)] == []
