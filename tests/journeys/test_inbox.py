"""What an attendant does in the inbox of a running box."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.running import EMAIL, PASSWORD, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script> [1](javascript:alert(1))'


def open_thread(page, conversation_id):
    with page.expect_response("**/events"):
        page.goto(f"/inbox/{conversation_id}")
    page.wait_for_timeout(300)


def bubbles(page):
    return [text.strip() for text in page.locator(".log .msg .bubble").all_inner_texts()]


def compose(page):
    return page.get_by_role("textbox", name=re.compile("^Mensagem para"))


def send(page, text):
    compose(page).fill(text)
    page.keyboard.press("Enter")


def settled(page, text):
    """The server's own bubble, in place of the one drawn at once."""
    page.locator(".msg[data-message]", has_text=text).wait_for()


def test_a_message_appears_by_itself_below_a_divider_and_the_scroll_stays(company, page):
    for number in range(40):
        conversation_id = company.write(f"linha {number}", name="Rolagem")
    open_thread(page, conversation_id)
    expect(page.locator(".divider.new + .msg", has_text="linha 0")).to_have_count(1)
    log = page.locator("[data-log]")
    log.evaluate("node => { node.scrollTop = 200 }")
    page.wait_for_timeout(200)
    before = log.evaluate("node => node.scrollTop")
    began = time.monotonic()
    company.write("chegou agora", name="Rolagem")
    page.locator(".msg", has_text="chegou agora").wait_for(state="attached")
    print(f"a message appeared {time.monotonic() - began:.2f} s after the customer began to send it")  # noqa: T201 - the figure of a promise
    assert log.evaluate("node => node.scrollTop") == before
    expect(page.locator(".divider.new")).to_have_count(1)
    newer = page.get_by_role("button", name="1 nova")
    newer.click()
    expect(newer).to_be_hidden()
    assert log.evaluate("node => node.scrollHeight - node.scrollTop - node.clientHeight") < 2
    assert page.watch.complaints == []


def test_a_reply_written_while_the_web_is_killed_goes_once_by_itself(company, page):
    conversation_id = company.write("oi", name="Queda")
    open_thread(page, conversation_id)
    page.route("**/reply", lambda route: (company.box.kill("se-web"), route.continue_()), times=1)
    send(page, "resposta na queda")
    wait_for(lambda: company.api.get("/health/ready").status_code == 200, limit_s=180)
    settled(page, "resposta na queda")
    assert company.texts(conversation_id, "outbound") == ["resposta na queda"]
    expect(page.locator(".msg.failed, .msg.is-pending")).to_have_count(0)
    expect(page.locator(".log .msg", has_text="resposta na queda")).to_have_count(1)


def test_a_reply_that_arrived_but_whose_answer_was_lost_is_not_sent_twice(company, page):
    conversation_id = company.write("oi", name="Resposta perdida")
    open_thread(page, conversation_id)

    def arrive_and_drop(route):
        route.fetch()
        route.abort()

    page.route("**/reply", arrive_and_drop, times=1)
    send(page, "uma vez só")
    settled(page, "uma vez só")
    expect(page.locator(".msg.failed, .msg.is-pending")).to_have_count(0)
    assert company.texts(conversation_id, "outbound") == ["uma vez só"]
    expect(page.locator(".log .msg", has_text="uma vez só")).to_have_count(1)


def test_twenty_messages_sent_while_the_stream_is_down_come_all_in_order_and_once(company, new_context):
    conversation_id = company.write("antes", name="Sem rede")
    context = new_context()
    page = context.new_page()
    open_thread(page, conversation_id)
    context.set_offline(True)
    for number in range(20):
        company.write(f"perdida {number:02d}", name="Sem rede")
    page.wait_for_timeout(4000)
    assert not [text for text in bubbles(page) if text.startswith("perdida")], "the stream was not cut"
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(seconds=31))  # half a minute is gone, as the page sees it
    context.set_offline(False)
    found = page.locator(".log .msg .bubble", has_text="perdida")
    expect(found).to_have_text([re.compile(f"perdida {number:02d}") for number in range(20)])


def test_eight_tabs_share_one_stream_and_all_show_what_comes(company, new_context):
    conversation_id = company.write("oi", name="Oito abas")
    context = new_context()
    streams = []
    context.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    tabs = [context.new_page() for _ in range(8)]
    with context.expect_event("request", lambda request: request.url.endswith("/events")):
        for tab in tabs:
            tab.goto(f"/inbox/{conversation_id}")
    tabs[0].wait_for_timeout(500)
    assert len(streams) == 1
    company.write("para todas", name="Oito abas")
    for tab in tabs:
        tab.locator(".msg", has_text="para todas").wait_for(state="attached")


def test_sign_in_reply_and_resolve_without_a_mouse(company, new_context):
    company.write("sem mouse", name="Teclado Puro")
    page = new_context(viewport={"width": 1440, "height": 900}, storage_state=None).new_page()
    page.goto("/login")
    page.locator("[name=email]:focus").wait_for()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{company.box.url}/")
    with page.expect_response("**/events"):
        page.keyboard.type("gi")  # in one go: the second has to come within a second
    page.wait_for_url("**/inbox")
    expect(page.locator("[data-conversation]").first).to_contain_text("Teclado Puro")
    page.keyboard.press("j")
    page.get_by_role("region", name="Conversa com Teclado Puro").wait_for()
    conversation_id = page.url.rsplit("/", 1)[-1]
    page.keyboard.press("r")
    page.keyboard.type("resposta do teclado")
    page.keyboard.press("Enter")
    settled(page, "resposta do teclado")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.get_by_role("button", name="Reabrir").wait_for()
    assert company.texts(conversation_id, "outbound") == ["resposta do teclado"]
    assert company.api.get(f"/api/v1/conversations/{conversation_id}").json()["status"] == "resolved"


def test_the_focus_stays_on_a_conversation_when_the_list_is_drawn_again(company, page):
    conversation_id = company.write("um", name="Foco")
    with page.expect_response("**/events"):
        page.goto("/inbox")
    page.wait_for_timeout(300)
    page.locator(f'[data-conversation="{conversation_id}"]').focus()
    with page.expect_response("**/inbox/list*"):
        company.write("dois", name="Foco")
    page.wait_for_timeout(300)
    expect(page.locator(f'[data-conversation="{conversation_id}"]')).to_be_focused()


def test_drafts_of_each_conversation_survive_a_reload(company, page):
    first, second = company.write("a", name="Rascunho A"), company.write("b", name="Rascunho B")
    open_thread(page, first)
    compose(page).fill("quase pronto")
    page.locator(f'[data-conversation="{second}"]').click()
    page.get_by_role("region", name="Conversa com Rascunho B").wait_for()
    expect(compose(page)).to_have_value("")
    page.goto(f"/inbox/{first}")
    page.reload()
    expect(compose(page)).to_have_value("quase pronto")


def test_a_reply_carries_a_file(company, page):
    conversation_id = company.write("manda a tabela?", name="Com arquivo")
    open_thread(page, conversation_id)
    page.locator("[data-attach]").set_input_files([{"name": "tabela.pdf", "mimeType": "application/pdf", "buffer": PDF}])
    page.get_by_role("button", name="Remover o arquivo").click()
    expect(page.locator("[data-attached]")).to_be_hidden()
    page.locator("[data-attach]").set_input_files([{"name": "tabela.pdf", "mimeType": "application/pdf", "buffer": PDF}])
    send(page, "segue a tabela")
    settled(page, "segue a tabela")
    expect(page.locator("[data-attached]")).to_be_hidden()
    link = page.locator(".msg[data-message] a.file-chip", has_text="tabela.pdf")
    address = link.get_attribute("href")
    assert page.request.get(address).body() == PDF
    assert [each["kind"] for each in company.said(conversation_id, "outbound")] == ["document"]


def test_labels_come_and_go_and_a_conversation_is_taken_without_the_list(company, page):
    conversation_id = company.write("oi", name="Etiquetada")
    open_thread(page, conversation_id)
    for name in ("urgente", "garantia"):
        page.get_by_label("Nova etiqueta").fill(name)
        page.keyboard.press("Enter")
        page.locator("[data-label]", has_text=name).wait_for()
    page.get_by_role("button", name="Remover a etiqueta urgente").click()
    page.locator("[data-label]", has_text="urgente").wait_for(state="detached")
    page.get_by_role("button", name="Atribuir a mim").click()
    page.get_by_role("button", name="Atribuir a mim").wait_for(state="detached")
    found = company.api.get(f"/api/v1/conversations/{conversation_id}").json()
    assert found["labels"] == ["garantia"]
    assert found["assignee_id"] is not None
    assert page.watch.complaints == []


def test_a_note_is_for_the_team_and_never_reaches_the_phone(company, page):
    conversation_id = company.write("oi", name="Com nota")
    open_thread(page, conversation_id)
    page.keyboard.press("n")
    page.keyboard.type("cliente difícil")
    page.get_by_role("button", name="Enviar").click()
    page.locator(".msg.note[data-message]", has_text="cliente difícil").wait_for()
    page.get_by_role("tab", name="Responder").click()
    send(page, "bom dia")
    settled(page, "bom dia")
    on_phone = company.phone(page, conversation_id)
    assert "bom dia" in on_phone
    assert "difícil" not in on_phone


def test_markup_in_a_message_is_text(company, page):
    conversation_id = company.write(HOSTILE, name="<b>Invasor</b>")
    open_thread(page, conversation_id)
    company.write(HOSTILE, name="<b>Invasor</b>")
    page.locator(".log .msg").nth(1).wait_for()
    expect(page.locator(".log img, .log script, .log a")).to_have_count(0)
    expect(page.locator(".log .bubble").first).to_have_text(re.compile("^<img src=x"))
    assert page.evaluate("window.hurt") is None
    assert page.watch.complaints == []


def test_a_phone_shows_one_pane_at_a_time(company, new_context):
    conversation_id = company.write("estreito", name="Estreito")
    page = new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto("/inbox")
    conversations, thread = page.get_by_role("region", name="Conversas"), page.get_by_role("region", name="Conversa com Estreito")
    page.locator(f'[data-conversation="{conversation_id}"]').click()
    thread.wait_for()
    expect(conversations).to_be_hidden()
    compose(page).wait_for()
    page.get_by_role("button", name="Mostrar o contato").click()
    page.get_by_role("complementary", name="Contato e contexto").wait_for()
    page.get_by_role("button", name="Fechar", exact=True).click()
    page.get_by_role("button", name="Voltar à lista").click()
    conversations.wait_for()
    expect(thread).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
