"""Quick replies, macros, labels and putting aside, as attendants use them; and the page where they are kept."""

import io
import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions
from appliance.domains.conversations.actions import ready
from appliance.domains.conversations.schemas import MacroIn
from appliance.domains.identity import queries as identity
from appliance.domains.identity.actions.sessions import begin_session
from appliance.domains.identity.types import Device, SessionKind
from appliance.domains.knowledge import actions as knowledge
from tests import cast as people
from tests.webui.conftest import ANA
from tests.webui.visitor import until
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def say(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id

    def said(text, name="Beatriz Nogueira"):
        with box.unit(ana.tenant_id) as uow:
            return channels.receive_simulated(uow, phone, visitor=name, name=name, text=text)

    return said


@pytest.fixture
def conversation_id(say):
    return say("oi")


@pytest.fixture
def page(ana, site, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    return opened


@pytest.fixture
def enter_bruno(box, ana, new_context):
    """A page of a second attendant."""
    bruno = people.with_role(box, ana.tenant_id, "agent")
    with box.whole_box("test") as uow:
        user = identity.get_user(uow, bruno.user_id)
        user.name = "Bruno Leite"
        entered = begin_session(uow, user, SessionKind.BROWSER, Device("127.0.0.1", "tests"), tenant_id=bruno.tenant_id)
    return lambda: new_context(SimpleNamespace(cookie=entered.secret), viewport={"width": 1280, "height": 900}).new_page()


def open_thread(page, conversation_id):
    with page.expect_response("**/events"):
        page.goto(f"/inbox/{conversation_id}")



def field(page):
    return page.get_by_label("Mensagem para Beatriz Nogueira")


def offered(page):
    return page.locator("[data-ready] [role=option]")


def test_enter_waits_for_the_quick_replies_that_are_on_their_way(box, ana, page, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        ready.create_quick_reply(uow, {"shortcut": "oi", "text": "Oi!"})
    open_thread(page, conversation_id)
    waiting = []

    def hold(route):
        waiting.append(route)

    page.route("**/quick-replies", hold)
    field(page).click()
    page.keyboard.type("/oi")
    page.keyboard.press("Enter")
    until(page, lambda: waiting)
    expect(field(page)).to_have_value("/oi")
    waiting[0].continue_()
    offered(page).first.wait_for()
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("Oi!")


def now(page, conversation_id):
    return page.request.get(f"/api/v1/conversations/{conversation_id}").json()


def test_a_slash_offers_quick_replies_with_the_customers_name(box, ana, page, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        for shortcut, text in (("oi", "Oi, {{contact.first_name}}! Sou {{me.first_name}}, da {{company}}."), ("preco", "Segue a tabela.")):
            ready.create_quick_reply(uow, {"shortcut": shortcut, "text": text})
    open_thread(page, conversation_id)
    field(page).click()
    page.keyboard.type("bom dia /")
    offered(page).nth(1).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.type("o")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("bom dia Oi, Beatriz! Sou Ana, da Solara Energia.")
    page.keyboard.type(" /tabela")
    offered(page).get_by_text("Segue a tabela").wait_for()
    page.keyboard.press("Escape")
    expect(offered(page)).to_have_count(0)
    expect(page.locator("#compose-text")).to_be_focused()
    assert page.watch.complaints == []


def test_a_macro_from_the_keyboard_and_back(box, ana, page, conversation_id):
    steps = {"labels": ["orçamento"], "reply": "Segue, {{contact.first_name}}.", "status": "pending"}
    with box.unit(ana.tenant_id) as uow:
        ready.create_macro(uow, MacroIn(name="Orçamento enviado", steps=steps))
    open_thread(page, conversation_id)
    page.keyboard.press("m")
    page.get_by_role("button", name="Orçamento enviado").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Desfazer").hover()  # else it goes by itself after some seconds
    page.locator(".msg.out[data-message]", has_text="Segue, Beatriz.").wait_for()
    page.locator("[data-label=orçamento]").wait_for()
    page.get_by_text("Aguardando o cliente. Reabre").wait_for()
    page.get_by_role("button", name="Desfazer").click()
    page.locator("[data-label=orçamento]").wait_for(state="detached")
    assert (now(page, conversation_id)["status"], now(page, conversation_id)["labels"]) == ("open", [])


def test_a_conversation_is_put_aside_seen_among_its_like_and_brought_back(page, conversation_id):
    open_thread(page, conversation_id)
    page.keyboard.press("s")
    page.get_by_role("button", name="Amanhã de manhã").click()
    page.get_by_text("ou até o cliente escrever").wait_for()
    page.locator(f'[data-conversation="{conversation_id}"]').wait_for(state="detached")
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    page.get_by_role("link", name="Adiadas 1").first.click()
    page.locator(f'[data-conversation="{conversation_id}"]').wait_for()
    page.get_by_role("button", name="Trazer de volta").click()
    page.locator(f'[data-conversation="{conversation_id}"]').wait_for(state="detached")
    assert now(page, conversation_id)["status"] == "open"


def test_it_is_put_aside_until_a_chosen_minute(page, conversation_id):
    open_thread(page, conversation_id)
    page.get_by_role("button", name="Mais ações").click()
    page.locator("#more-menu").get_by_role("button", name="Adiar").click()
    tomorrow = page.evaluate("new Date(Date.now() + 86400000).toISOString().slice(0, 10)")
    page.get_by_label("Até quando").fill(f"{tomorrow}T12:30")
    page.locator("#snooze-menu").get_by_role("button", name="Adiar").click()
    page.get_by_text("ou até o cliente escrever").wait_for()
    kept = now(page, conversation_id)["snoozed_until"]
    assert page.evaluate("until => new Date(until).getTime()", kept) == page.evaluate("at => new Date(at).getTime()", f"{tomorrow}T12:30")


def test_the_inbox_is_filtered_by_a_label(box, ana, say, page, conversation_id):
    say("olá", name="Carlos")
    with box.unit(ana.tenant_id) as uow:
        actions.change_labels(uow, conversation_id, ["garantia"])
    page.goto("/inbox")
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    page.get_by_role("link", name="garantia", exact=True).click()
    page.locator(".conv", has_text="Carlos").wait_for(state="detached")
    expect(page.locator(".conv")).to_have_count(1)
    expect(page).to_have_url(re.compile("label=garantia"))
    page.get_by_role("link", name="garantia Tirar este filtro").click()
    page.locator(".conv", has_text="Carlos").wait_for()


def test_what_stands_ready_is_made_changed_and_deleted_on_one_page(page, conversation_id):
    page.goto("/inbox/settings?tab=replies")
    page.get_by_label("Palavra depois da barra").fill("/Oi")
    page.get_by_label("Texto").fill("Oi, {{contact.cpf}}!")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Não há valor para “contact.cpf”.").wait_for()
    page.get_by_label("Texto").fill("Oi, {{contact.first_name}}!")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("/oi", exact=True).first.wait_for()
    page.get_by_role("link", name="Alterar /oi").click()
    page.get_by_label("Texto").fill("Olá, {{contact.first_name}}!")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Olá, {{contact.first_name}}!").wait_for()
    page.get_by_role("button", name="Excluir /oi").click()
    page.get_by_role("button", name="Excluir", exact=True).click()
    page.get_by_text("Ainda não há respostas prontas").wait_for()
    page.get_by_role("link", name="Macros", exact=True).click()
    page.get_by_label("Nome").fill("Encerrar")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Uma macro faz pelo menos uma coisa.").wait_for()
    page.get_by_label("Situação depois").select_option("resolved")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Encerrar").first.wait_for()
    page.get_by_role("link", name="Etiquetas", exact=True).click()
    page.get_by_label("Nome").fill("Garantia")
    page.get_by_label("Rosa").check()
    page.get_by_role("button", name="Salvar").click()
    page.locator(".badge.l-pink", has_text="Garantia").wait_for()
    page.get_by_label("Nome").fill("garantia")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Já existe uma etiqueta com esse nome.").wait_for()
    assert [one for one in page.watch.complaints if "422" not in str(one)] == []


def test_the_sheet_of_keys_lists_what_the_inbox_takes(page, conversation_id):
    open_thread(page, conversation_id)
    page.keyboard.press("?")
    sheet = page.locator("#shortcut-sheet")
    wanted = ("Adiar", "Macros", "Pôr uma etiqueta", "Nota interna", "Resolver", "Prioridade", "Citar um colega em uma nota", "Nova linha")
    for words in wanted:
        expect(sheet).to_contain_text(words)
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#priority")).to_be_focused()


def test_a_team_is_made_and_given_a_conversation_which_is_found_by_it(box, ana, page, conversation_id):
    page.goto("/inbox/settings?tab=teams")
    page.get_by_label("Nome").fill("Vendas")
    page.get_by_role("checkbox", name="Ana Prado").check()
    page.get_by_label("Fica com o que o robô passa").check()
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("1 pessoa · distribuídas por vez · fica com o que o robô passa").wait_for()
    open_thread(page, conversation_id)
    page.get_by_label("Responsável").select_option(label="Vendas")
    page.locator(".kv dd", has_text="Vendas").wait_for()
    assert now(page, conversation_id)["assignee_id"] == str(ana.user_id)
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    page.get_by_role("link", name="Vendas").click()
    page.get_by_role("link", name="Vendas Tirar este filtro").wait_for()
    expect(page.locator(f'[data-conversation="{conversation_id}"]')).to_have_count(1)
    assert page.watch.complaints == []


def test_a_reply_is_suggested_from_the_documents_and_taken_over_by_a_key(box, ana, page, say, run_deliveries):
    text = "# Garantia\n\nA garantia do inversor é de 10 anos.\n"
    knowledge.upload_document(box, ana.tenant_id, "garantia.md", io.BytesIO(text.encode()))
    run_deliveries()
    conversation_id = say("Qual a garantia do inversor?")
    open_thread(page, conversation_id)
    page.keyboard.press("i")
    card = page.get_by_role("complementary", name="Sugestão")
    card.get_by_text("10 anos").wait_for()
    card.get_by_text("garantia.md").wait_for()
    page.keyboard.press("Tab")
    expect(field(page)).to_have_value(re.compile("10 anos"))
    expect(field(page)).not_to_have_value(re.compile(r"\[1\]"))
    expect(card).to_be_hidden()
    page.get_by_role("button", name="Sugerir uma resposta").click()
    card.get_by_text("10 anos").wait_for()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(page.locator(".msg.out")).to_have_count(0)
    assert page.watch.complaints == []


def test_two_who_open_one_conversation_see_each_other_read_write_and_leave(box, ana, say, page, conversation_id, enter_bruno):
    other_id = say("olá", name="Carlos")
    reader = enter_bruno()
    open_thread(page, conversation_id)
    open_thread(reader, conversation_id)
    page.get_by_text("Também lendo aqui: Bruno Leite.").wait_for()
    reader.get_by_text("Também lendo aqui: Ana Prado.").wait_for()
    reader.get_by_label("Mensagem para Beatriz Nogueira").press_sequentially("já respondo")
    page.get_by_text("Também escrevendo aqui: Bruno Leite.").wait_for()
    reader.locator(f'[data-conversation="{other_id}"]').click()
    page.locator("[data-collide]").wait_for(state="hidden")
    assert page.watch.complaints == []


def test_who_is_named_in_a_note_hears_the_bell(box, ana, page, conversation_id, enter_bruno):
    reader = enter_bruno()
    with reader.expect_response("**/events"):
        reader.goto("/contacts")
    open_thread(page, conversation_id)
    page.keyboard.press("n")
    page.keyboard.type("@bru")
    offered(page).first.wait_for()
    page.keyboard.press("Enter")
    page.keyboard.type("liga para ela?")
    page.get_by_role("button", name="Enviar").click()
    reader.get_by_role("button", name="Avisos, 1 novo").click()
    reader.get_by_role("link", name="Ana Prado citou você em uma nota").click()
    reader.locator(".msg.is-found", has_text="@Bruno Leite liga para ela?").wait_for()
    reader.locator(".mention", has_text="@Bruno Leite").wait_for()
    reader.get_by_role("button", name="Avisos", exact=True).wait_for()


def test_a_contact_is_blocked_after_a_question_and_unblocked_again(page, conversation_id, say):
    open_thread(page, conversation_id)
    page.get_by_role("button", name="Mais ações").click()
    page.get_by_role("button", name="Bloquear o contato").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancelar").click()
    page.get_by_role("button", name="Mais ações").click()
    page.get_by_role("button", name="Bloquear o contato").click()
    page.get_by_role("dialog").get_by_role("button", name="Bloquear").click()
    page.get_by_text("ninguém é avisado e nada pode ser enviado").wait_for()
    page.get_by_text("O contato foi bloqueado · Ana").wait_for()
    expect(field(page)).not_to_be_editable()
    expect(field(page)).to_have_attribute("placeholder", re.compile("contato bloqueado"))
    say("sou eu de novo")
    page.get_by_text("sou eu de novo").first.wait_for()
    expect(page.locator(".convs .conv")).to_have_count(0)
    page.goto("/inbox?view=blocked")
    page.locator(".convs .conv").get_by_text("Bloqueado").wait_for()
    page.locator(".convs .conv").click()
    page.get_by_role("button", name="Desbloquear").click()
    page.get_by_text("O contato foi desbloqueado").wait_for()
    expect(field(page)).to_be_editable()
    page.get_by_role("button", name="Resolver").click()
    page.get_by_role("button", name="Reabrir").wait_for()
    page.get_by_role("button", name="Mais ações").click()
    expect(page.get_by_role("button", name="Bloquear o contato")).to_be_visible()
    assert page.watch.complaints == []


def test_who_is_unblocked_at_once_leaves_no_way_back_to_what_is_over(page, conversation_id):
    open_thread(page, conversation_id)
    page.get_by_role("button", name="Mais ações").click()
    page.get_by_role("button", name="Bloquear o contato").click()
    page.get_by_role("dialog").get_by_role("button", name="Bloquear").click()
    told = page.locator(".toast")
    expect(told).to_contain_text("Bloqueado.")
    page.get_by_role("button", name="Desbloquear").click()
    expect(told.filter(has_text="Desbloqueado.")).to_be_visible()
    expect(told).to_have_count(1)
