"""The main job, by mouse and in Portuguese: documents in, a customer writes, the box answers, a person takes over and hands back."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.running import wait_for
from tests.webui.sending import send

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WARRANTY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita até 80 km.\n"


def test_from_a_document_to_an_answer_and_back_again(empty_company, page, new_context):
    company = empty_company
    put_a_document_in(page)
    ask_and_follow_the_citation(page)
    make_an_agent_and_try_it(page)
    phone = page
    write_as_a_customer(phone, "qual a garantia do inversor?")
    phone.locator('[data-from="them"]', has_text="10 anos").wait_for()
    inbox = new_context(viewport={"width": 1440, "height": 900}).new_page()
    see_the_answer_with_its_sources(inbox)
    conversation_id = inbox.url.split("/inbox/")[1].partition("?")[0]
    take_over_and_reply(inbox, phone)
    write_as_a_customer(phone, "e a visita técnica, é paga?")
    inbox.locator(".msg", has_text="é paga?").wait_for()
    inbox.wait_for_timeout(3000)
    expect(inbox.locator(".msg.ai")).to_have_count(1)  # the agent is silent while a person holds the conversation
    inbox.get_by_role("button", name="Devolver à IA").click()
    inbox.get_by_role("button", name="Assumir").wait_for()
    write_as_a_customer(phone, "a visita técnica é gratuita?")
    phone.locator('[data-from="them"]', has_text="80 km").wait_for()
    inbox.get_by_role("button", name="Resolver").click()
    inbox.get_by_role("button", name="Reabrir").click()
    inbox.get_by_role("button", name="Resolver").wait_for()
    wait_for(lambda: company.api.get(f"/api/v1/conversations/{conversation_id}").json()["status"] != "resolved", limit_s=180)
    assert page.watch.complaints == []


def test_a_gap_that_a_person_fills_is_answered_next_time(empty_company, page):
    question = "vocês instalam carregador de carro elétrico?"
    page.goto("/knowledge")
    ask(page, question)
    page.get_by_text("Não está nos documentos").wait_for()
    page.goto("/knowledge/gaps")
    gap = page.get_by_role("region", name=question)
    gap.get_by_role("textbox", name="Resposta").fill("Sim, instalamos carregador de carro elétrico em até 15 dias úteis.")
    gap.get_by_role("button", name="Salvar a resposta").click()
    gap.wait_for(state="detached")
    page.goto("/knowledge")
    wait_for(lambda: answers(page, question, "15 dias"), limit_s=180, every_s=1)


def answers(page, question, words):
    ask(page, question)
    return words in page.locator("#answer").inner_text()


def put_a_document_in(page):
    with page.expect_response("**/events"):
        page.goto("/knowledge")
    files = [{"name": "garantia.md", "mimeType": "text/markdown", "buffer": WARRANTY.encode()}]
    page.locator("#files").set_input_files(files)
    row = page.get_by_role("row", name=re.compile("garantia.md"))
    row.wait_for()
    row.get_by_text("No ar").wait_for()


def ask(page, question):
    page.get_by_role("textbox", name="Pergunta").fill(question)
    with page.expect_response("**/knowledge/ask"):
        page.get_by_role("button", name="Perguntar").click()
    page.wait_for_timeout(200)


def ask_and_follow_the_citation(page):
    """A corpus measures itself just after its first document went live: until then it is shy."""
    wait_for(lambda: answers(page, "qual é a garantia do inversor?", "10 anos"), limit_s=180)
    page.locator("#answer").locator(".src a", has_text="garantia.md").first.click()
    page.wait_for_url(re.compile(r"chunk=\d+"))
    expect(page.locator(".chunk.is-on")).to_contain_text("10 anos")


def make_an_agent_and_try_it(page):
    page.goto("/agents")
    page.get_by_role("button", name="Novo agente").first.click()
    page.get_by_label("Como ele se chama?").fill("Lia")
    page.get_by_role("button", name="Criar").click()
    page.get_by_role("heading", name="Lia").wait_for()
    page.get_by_role("textbox", name="Escrever como cliente").fill("qual a garantia?")
    page.get_by_role("button", name="Perguntar").click()
    page.locator(".msg.ai", has_text="10 anos").wait_for()
    page.goto("/simulator")
    page.get_by_label("Agente que responde").select_option(label="Lia")
    send(page.get_by_role("button", name="Começar"))


def write_as_a_customer(phone, text):
    phone.get_by_role("textbox", name="Escrever como cliente").fill(text)
    phone.get_by_role("button", name="Enviar").click()
    phone.locator('[data-from="me"]', has_text=text).wait_for()


def see_the_answer_with_its_sources(inbox):
    with inbox.expect_response("**/events"):
        inbox.goto("/inbox")
    inbox.locator("[data-conversation]").first.click()
    said = inbox.locator(".msg.ai", has_text="10 anos")
    said.locator(".sources a", has_text="garantia.md").wait_for()
    said.get_by_role("button", name="Por que esta resposta?").click()
    dialog = inbox.get_by_role("dialog", name="Por que esta resposta?")
    dialog.locator(".trace li").first.wait_for()
    dialog.get_by_role("button", name="Fechar").first.click()


def take_over_and_reply(inbox, phone):
    inbox.get_by_role("button", name="Assumir").click()
    inbox.get_by_role("button", name="Devolver à IA").wait_for()
    inbox.get_by_role("textbox", name=re.compile("^Mensagem para")).fill("Oi, aqui é a Ana.")
    inbox.get_by_role("button", name="Enviar").click()
    phone.locator('[data-from="them"]', has_text="aqui é a Ana").wait_for()
