"""Finding what was said, and going there."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from tests.webui.conftest import ANA

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def says(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id

    def say(name, *texts):
        for text in texts:
            with box.unit(ana.tenant_id) as uow:
                found = channels.receive_simulated(uow, phone, visitor=name, name=name, text=text)
        return found

    return say


@pytest.fixture
def page(ana, new_context):
    return new_context(ana, viewport={"width": 1280, "height": 900}).new_page()


def test_a_word_leads_to_the_message_that_says_it_and_from_there_to_the_newest(says, page):
    says("Beatriz", "Quero o orçamento do inversor", *(f"linha {number}" for number in range(70)))
    says("Inversora Lima", "oi")
    page.goto("/inbox")
    page.get_by_label("Buscar pessoas e mensagens").fill("inversores")
    hit = page.locator("[data-at]")
    hit.wait_for()
    expect(hit.locator("mark")).to_have_text(["inversor"])
    hit.click()
    page.locator(".msg.is-found", has_text="orçamento do inversor").wait_for()
    page.locator(".msg.is-found").wait_for()
    expect(page.locator(".msg", has_text="linha 69")).to_have_count(0)
    page.reload()
    page.locator(".msg.is-found").wait_for()
    page.get_by_role("button", name="Ir para a mais nova").click()
    page.locator(".msg", has_text="linha 69").wait_for()
    expect(page.locator("[data-gap]")).to_have_count(0)


def test_a_reply_to_what_was_found_stands_below_the_newest(says, page):
    conversation = says("Beatriz", "Quero o orçamento", *(f"linha {number}" for number in range(70)))
    page.goto(f"/inbox/{conversation}?q=orçamento&at=1")
    page.get_by_label("Mensagem para Beatriz").fill("segue o orçamento")
    page.keyboard.press("Enter")
    page.locator(".msg.out[data-message]", has_text="segue o orçamento").wait_for()
    expect(page.locator(".log .msg").last).to_contain_text("segue o orçamento")
    expect(page.locator(".log .msg").last).to_be_in_viewport()
    expect(page.locator("[data-key]")).to_have_count(0)
    expect(page.locator(".msg", has_text="linha 69")).to_have_count(1)


def test_people_and_messages_are_told_apart_and_walked_by_key(says, page):
    says("Orlando Orçamento", "oi")
    says("Beatriz", "e o orçamento?")
    page.goto("/inbox?q=orçamento")
    expect(page.locator(".convs-h")).to_have_text(["Pessoas", "Mensagens"])
    page.keyboard.press("j")
    page.get_by_role("region", name="Conversa com Orlando").wait_for()
    page.keyboard.press("j")
    page.get_by_role("region", name="Conversa com Beatriz").wait_for()
    assert page.url.endswith("at=1")


def test_a_search_in_vain_says_what_was_looked_at(page, says):
    says("Beatriz", "oi")
    page.goto("/inbox?q=preço")
    page.get_by_text("as palavras das mensagens").wait_for()


def test_the_palette_finds_messages(says, page):
    conversation = says("Beatriz", "quero o orçamento")
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("orçamentos")
    page.get_by_role("option", name="quero o orçamento").click()
    page.wait_for_url(f"**/inbox/{conversation}?at=1")
