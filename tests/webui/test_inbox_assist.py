"""The card that says what a conversation is about, and what a language model does with a text, as attendants use them."""

import io
import json
import os
import re

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions
from appliance.domains.knowledge import actions as knowledge
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference
from tests.webui.axe import ALL_RULES, violations
from tests.webui.conftest import ANA
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
SHOTS = os.environ.get("SALESEDGE_SHOTS", "")


@pytest.fixture
def talk(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    for text in ("bom dia meu sofá era pra chegar segunda e nada", "pedido 48213", "quando chega?"):
        with box.unit(ana.tenant_id) as uow:
            found = channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text=text)
    with box.unit(ana.tenant_id) as uow:
        actions.hand_off(uow, found, reason="wants_person")
    return found


@pytest.fixture
def page(ana, site, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    return opened


def shoot(page, name):
    if SHOTS:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, height in ((1280, 900), (390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=f"{SHOTS}/{name}-{scheme}-{width}.png")
        page.set_viewport_size({"width": 1280, "height": 900})


def field(page):
    return page.get_by_label("Mensagem para Beatriz Nogueira")


def card(page):
    return page.locator("[data-brief]")


def test_whoever_takes_over_finds_the_conversation_in_its_own_words_and_what_is_missing_for_more(page, talk):
    with page.expect_response("**/events"):
        page.goto(f"/inbox/{talk}")
    card(page).get_by_text("pedido 48213 · quando chega?").wait_for()
    card(page).get_by_text("ainda sem resposta").wait_for()
    assert violations(page, ALL_RULES) == []
    shoot(page, "excerpt")
    card(page).get_by_role("button", name="pedido 48213", exact=True).click()
    page.locator(".msg.is-found", has_text="pedido 48213").wait_for()
    page.keyboard.press("u")
    card(page).wait_for(state="hidden")
    page.keyboard.press("u")
    card(page).get_by_text("trechos").wait_for()
    page.keyboard.press("Escape")
    card(page).wait_for(state="hidden")
    page.keyboard.press("a")
    menu = page.locator("#assist-menu")
    menu.get_by_text("esta caixa não tem nenhum").wait_for()
    menu.get_by_text("salesedge models recommend").wait_for()
    expect(menu.locator("[data-rewrite]")).to_have_count(0)
    assert violations(page, ALL_RULES) == []
    shoot(page, "no-model")
    assert page.watch.complaints == []


def test_the_card_leaves_the_thread_its_room(page, talk):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"/inbox/{talk}")
    card(page).get_by_text("ainda sem resposta").wait_for()
    assert card(page).bounding_box()["height"] <= 800 / 3
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/inbox/{talk}")
    page.get_by_role("button", name="Mais ações").click()
    page.locator("#more-menu").get_by_role("button", name="Resumir a conversa").wait_for()
    expect(card(page)).to_be_hidden()
    page.locator("#more-menu").get_by_role("button", name="Resumir a conversa").click()
    card(page).get_by_text("ainda sem resposta").wait_for()
    assert card(page).bounding_box()["height"] <= 800 / 3


class Model:
    def __init__(self):
        self.text = "Olá Beatriz, o pedido 48213 chega sexta."

    def __call__(self, messages):
        if "sum up" in messages[0].content:
            return json.dumps({"topic": "Sofá atrasado", "wants": "Saber quando chega o pedido 48213.", "promised": [],
                               "open": ["Dizer o dia da entrega"], "mood": "upset"})
        return json.dumps({"text": self.text})


@pytest.fixture
def model(box):
    made = Model()
    box.provide(Inference, FakeInference(made))
    return made


def test_with_a_model_the_card_is_written_drafts_change_and_messages_are_translated(page, talk, model):
    with page.expect_response("**/events"):
        page.goto(f"/inbox/{talk}")
    card(page).get_by_text("Saber quando chega o pedido 48213.").wait_for()
    card(page).get_by_text("humor: irritado").wait_for()
    shoot(page, "written")
    field(page).fill("oi, o 48213 chega sexta")
    page.get_by_role("button", name="Traduzir ou mudar o tom").click()
    page.get_by_role("button", name="Mais simpático").wait_for()
    assert violations(page, ALL_RULES) == []
    shoot(page, "menu")
    page.get_by_role("button", name="Mais simpático").click()
    page.locator("[data-ghost-use]").wait_for()
    shoot(page, "ghost")
    expect(field(page)).to_have_value("oi, o 48213 chega sexta")
    field(page).press("Tab")
    expect(field(page)).to_have_value(model.text)
    page.get_by_role("button", name="Desfazer").click()
    expect(field(page)).to_have_value("oi, o 48213 chega sexta")
    model.text = "oi, o 999 chega sexta"
    page.get_by_role("button", name="Traduzir ou mudar o tom").click()
    page.get_by_role("button", name="Mais curto").click()
    page.get_by_text("Nada disso foi usado").wait_for()
    expect(field(page)).to_have_value("oi, o 48213 chega sexta")
    model.text = "order 48213"
    page.get_by_role("button", name="Traduzir ou mudar o tom").click()
    page.get_by_role("button", name="Traduzir o que o cliente escreveu").click()
    page.locator(".msg.in .translated", has_text="order 48213").wait_for()
    page.locator(".msg.in .translated", has_text="Nada disso foi usado").first.wait_for()
    shoot(page, "translated")
    assert [one for one in page.watch.complaints if "422" not in one] == []  # what the model may not change is refused


def test_a_suggestion_grows_is_taken_or_says_in_its_place_that_there_is_none(page, talk, box, ana, run_deliveries):
    with page.expect_response("**/events"):
        page.goto(f"/inbox/{talk}")
    page.get_by_role("button", name="Sugerir uma resposta").click()
    said = page.locator("[data-ghost-text]")
    page.get_by_text("Os documentos não dizem nada sobre isso.").wait_for()
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.locator("[data-ghost-use]")).to_be_hidden()
    field(page).press("o")
    page.locator("[data-ghost]").wait_for(state="hidden")
    told = "# Entrega\n\nO sofá chega em 5 dias úteis, quando o pedido está pago.\n"
    knowledge.upload_document(box, ana.tenant_id, "entrega.md", io.BytesIO(told.encode()))
    run_deliveries()
    field(page).fill("")
    page.get_by_role("button", name="Sugerir uma resposta").click()
    page.locator("[data-ghost-use]").wait_for()
    expect(said).to_contain_text("5 dias")
    field(page).press("Tab")
    expect(field(page)).to_have_value(re.compile("5 dias"))
    assert page.watch.complaints == []
