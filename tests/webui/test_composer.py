"""The composer: what it takes, keeps and refuses."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations.tables import Conversation
from tests.webui.conftest import ANA

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def conversation_id(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with box.unit(ana.tenant_id) as uow:
        return channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="oi")


@pytest.fixture
def closed(box, ana, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        past = {"window_hours": 24, "last_inbound_at": uow.now - timedelta(hours=25)}
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**past))


@pytest.fixture
def page(ana, conversation_id, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.conversation = f"/inbox/{conversation_id}"
    return opened


def field(page):
    return page.get_by_label("Mensagem para Beatriz Nogueira")


def test_a_closed_window_takes_no_reply_but_a_note(closed, page):
    page.goto(page.conversation)
    page.get_by_role("tab", name="Responder").click()
    assert not field(page).is_editable()
    assert "A janela está fechada" in field(page).get_attribute("placeholder")
    assert page.get_by_role("button", name="Enviar").is_disabled()
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("ligar amanhã")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.note[data-message]", has_text="ligar amanhã").wait_for()
    page.get_by_role("tab", name="Responder").click()
    assert not field(page).is_editable()


def test_a_closed_window_still_takes_a_template(closed, page, conversation_id):
    page.goto(page.conversation)
    assert page.get_by_role("tab", name="Modelo").get_attribute("aria-selected") == "true"
    page.get_by_label("Nome do modelo").fill("retorno_orcamento")
    field(page).click()
    page.keyboard.type("Beatriz")
    page.keyboard.press("Enter")
    page.keyboard.type("R$ 1.250,00")
    page.get_by_role("button", name="Enviar").click()
    page.locator(".msg.out[data-message]", has_text="Modelo retorno_orcamento · Beatriz · R$ 1.250,00").wait_for()
    sent = page.request.get(f"/api/v1/conversations/{conversation_id}/messages").json()["items"][-1]["content"]
    assert sent["template"]["language"] == "pt_BR"
    assert [one["text"] for one in sent["template"]["components"][0]["parameters"]] == ["Beatriz", "R$ 1.250,00"]
    assert page.get_by_label("Nome do modelo").input_value() == ""


def test_a_reply_can_carry_buttons(page, conversation_id):
    page.goto(page.conversation)
    assert page.get_by_role("tab", name="Modelo").count() == 0  # nothing to wait for on this channel
    page.get_by_role("button", name="Botões de resposta").click()
    page.get_by_label("Botão 1").fill("Sim")
    page.get_by_label("Botão 2").fill("Agora não")
    page.get_by_label("Botão 3").fill("Sim")
    field(page).fill("Posso agendar a visita?")
    page.get_by_role("button", name="Enviar").click()
    sent = page.locator(".msg.out[data-message]", has_text="Posso agendar")
    sent.wait_for()
    assert sent.locator(".choices .badge").all_text_contents() == ["Sim", "Agora não"]
    kept = page.request.get(f"/api/v1/conversations/{conversation_id}/messages").json()["items"][-1]
    assert [button["title"] for button in kept["content"]["buttons"]] == ["Sim", "Agora não"]
    assert not page.get_by_label("Botão 1").is_visible()


@pytest.mark.parametrize("send", ["click", "Enter"])
def test_a_template_name_that_cannot_be_keeps_no_reply_from_being_sent(closed, box, ana, page, conversation_id, send):
    with box.unit(ana.tenant_id) as uow:
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(last_inbound_at=uow.now))
    page.goto(page.conversation)
    page.get_by_role("tab", name="Modelo").click()
    page.get_by_label("Nome do modelo").fill("Lembrete de revisão")
    page.keyboard.press("Control+Enter")
    assert page.locator("[name=template]:invalid").count() == 1
    page.get_by_role("tab", name="Responder").click()
    field(page).fill("bom dia")
    if send == "click":
        page.get_by_role("button", name="Enviar").click()
    else:
        field(page).press("Enter")
    page.locator(".msg.out[data-message]", has_text="bom dia").wait_for()
    assert page.locator(".msg.out").count() == 1


def test_buttons_that_are_out_of_sight_are_not_sent(page):
    page.goto(page.conversation)
    page.get_by_role("button", name="Botões de resposta").click()
    page.get_by_label("Botão 1").fill("Sim")
    page.get_by_role("tab", name="Nota interna").click()
    page.get_by_role("tab", name="Responder").click()
    assert page.get_by_role("button", name="Botões de resposta").get_attribute("aria-expanded") == "false"
    field(page).fill("bom dia")
    page.get_by_role("button", name="Enviar").click()
    sent = page.locator(".msg.out[data-message]", has_text="bom dia")
    sent.wait_for()
    assert sent.locator(".choices .badge").count() == 0


def test_the_field_opens_again_when_the_customer_writes(box, ana, closed, page, conversation_id):
    page.goto(page.conversation)
    page.get_by_role("tab", name="Responder").click()
    assert not field(page).is_editable()
    with box.unit(ana.tenant_id) as uow:
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(last_inbound_at=uow.now))
    page.get_by_role("button", name="Assumir").click()
    page.locator(".composer:not(.is-closed)").wait_for()
    assert field(page).is_editable()


def test_a_draft_of_each_kind_outlives_the_page(page):
    page.goto(page.conversation)
    field(page).fill("resposta pela metade")
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("nota pela metade")
    page.reload()
    assert field(page).input_value() == "resposta pela metade"
    assert page.get_by_text("Rascunho guardado").is_visible()
    page.get_by_role("tab", name="Nota interna").click()
    assert field(page).input_value() == "nota pela metade"


@pytest.mark.parametrize("keys", ["Enter", "Control+Enter", "Meta+Enter"])
def test_it_is_sent_from_the_keyboard_and_says_in_words_how_far_it_came(page, keys):
    page.goto(page.conversation)
    field(page).fill("bom dia")
    page.keyboard.press(keys)
    sent = page.locator(".msg.out[data-message]", has_text="bom dia")
    sent.wait_for()
    assert sent.get_by_role("img").get_attribute("aria-label") == "Na fila para enviar"


def test_after_a_note_the_next_message_is_a_reply(page):
    page.goto(page.conversation)
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("ligar amanhã")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.note[data-message]", has_text="ligar amanhã").wait_for()
    assert page.get_by_role("tab", name="Responder").get_attribute("aria-selected") == "true"
    field(page).fill("bom dia")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.out[data-message]", has_text="bom dia").wait_for()


def test_on_a_phone_no_word_of_the_composer_breaks_in_two(box, ana, page, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        closing = {"window_hours": 24, "last_inbound_at": uow.now - timedelta(minutes=5)}
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**closing))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.conversation)
    for part in page.locator(".composer .modes > *").all():
        box_of = part.bounding_box()
        assert box_of["height"] < 30
        assert box_of["x"] + box_of["width"] <= 390


@pytest.mark.parametrize("height", [667, 844])
def test_on_a_phone_the_simulators_field_is_seen_at_once(ana, conversation_id, page, height):
    page.set_viewport_size({"width": 390, "height": height})
    page.goto("/simulator")
    field_of = page.get_by_role("textbox", name="Escrever como cliente").bounding_box()
    assert field_of["y"] + field_of["height"] <= page.locator(".tabbar").bounding_box()["y"]
