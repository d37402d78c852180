"""What people do with the shell, in a browser: without a mouse, with two tabs, with the network gone."""

import re

import pytest

from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.identity import actions as identity
from tests.webui.conftest import PASSWORD
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]

READY = "html[data-ready]"  # the shell listens to keys


def type_into(page, label, text):
    """Tab until the field of this name has the focus, then type."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.labels?.[0]?.textContent.trim() ?? ''")
        if focused.startswith(label):
            page.keyboard.type(text)
            return
    pytest.fail(f"{label!r} cannot be reached with the Tab key")


def test_set_up_then_out_and_in_again_without_a_mouse(box, new_context, site):
    page = new_context().new_page()
    watch = Watch(page, site.url)
    page.goto("/setup")
    type_into(page, "Código", identity.create_setup_code(box))
    type_into(page, "Seu nome", "Ana Prado")
    type_into(page, "E-mail", "ana@solara.example")
    type_into(page, "Senha", PASSWORD)
    type_into(page, "Nome da empresa", "Solara Energia")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/")
    assert page.get_by_role("heading", level=1).inner_text().endswith("Ana")
    assert watch.complaints == []

    page.get_by_role("button", name=re.compile("Conta de Ana")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sair").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    page.wait_for_function("document.activeElement.labels?.[0]?.textContent.trim().startsWith('E-mail')")
    page.keyboard.type("ana@solara.example")
    type_into(page, "Senha", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/")
    assert watch.complaints == []


def test_a_form_that_is_refused_keeps_what_was_typed_and_goes_to_the_first_error(new_context, box):
    page = new_context().new_page()
    page.goto("/setup")
    page.get_by_label("Código de uso único").fill("AAAA-BBBB-CCCC")
    page.get_by_label("Seu nome").fill("Ana Prado")
    page.get_by_label("E-mail").fill("ana")
    page.get_by_label("Nome da empresa").fill("Solara")
    page.get_by_role("button", name="Configurar e entrar").click()
    page.wait_for_selector('[aria-invalid="true"]')
    assert page.get_by_label("Seu nome").input_value() == "Ana Prado"
    assert page.evaluate("document.activeElement.id") == "f-email"
    described = "document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent"
    assert page.evaluate(described).startswith("Digite um e-mail")


def test_skip_link_leads_past_the_navigation(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/contacts")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_theme_is_kept_from_the_first_byte_of_the_next_page(ana, new_context):
    page = new_context(ana, color_scheme="light").new_page()
    page.goto("/")
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Alternar entre claro e escuro").click()
    assert '<html lang="pt-BR" data-theme="dark">' in page.goto("/contacts").text()


def test_palette_goes_to_pages_and_finds_people(box, ana, new_context):
    with box.unit(ana.tenant_id) as uow:
        contact_id = contacts.create_contact(uow, ContactFields(name="Otávio Ferraz")).id
    page = new_context(ana).new_page()
    page.goto("/")
    page.wait_for_selector(READY)
    page.keyboard.press("Control+k")
    page.keyboard.type("contatos")
    page.keyboard.press("Enter")
    page.wait_for_url("**/contacts")
    page.wait_for_selector(READY)
    page.keyboard.press("Control+k")
    page.keyboard.type("otavio")
    page.get_by_role("option", name=re.compile("Otávio")).wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/contacts/{contact_id}")


def test_shortcut_sheet_lists_the_keys_and_turns_them_off(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/")
    page.wait_for_selector(READY)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Atalhos do teclado")
    assert sheet.get_by_text("Contatos").is_visible()
    sheet.get_by_role("switch").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not sheet.is_visible()


def test_a_list_shows_by_itself_what_another_person_adds(box, ana, new_context):
    page = new_context(ana).new_page()
    with page.expect_response("**/events"):
        page.goto("/contacts")
    page.wait_for_timeout(300)
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Beatriz Nogueira"))
    page.get_by_role("link", name="Beatriz Nogueira").wait_for(timeout=5_000)


def test_all_tabs_of_a_browser_share_one_stream(ana, new_context, box):
    context = new_context(ana)
    streams = []
    context.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    pages = [context.new_page() for _ in range(4)]
    for page in pages:
        page.goto("/contacts")
    pages[0].wait_for_timeout(500)
    assert len(streams) == 1
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Beatriz Nogueira"))
    for page in pages:
        page.get_by_role("link", name="Beatriz Nogueira").wait_for(timeout=3000)


def test_the_next_tab_takes_the_stream_over(ana, new_context, box):
    context = new_context(ana)
    first, second = context.new_page(), context.new_page()
    first.goto("/contacts")
    second.goto("/contacts")
    with second.expect_request("**/events"):
        first.close()
    second.wait_for_timeout(300)
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Beatriz Nogueira"))
    second.get_by_role("link", name="Beatriz Nogueira").wait_for(timeout=3000)


def test_a_lost_box_is_told_after_three_seconds_and_nothing_typed_is_lost(ana, new_context):
    context = new_context(ana)
    page = context.new_page()
    with page.expect_response("**/events"):  # one that opens as the network goes would say that it is back
        page.goto("/contacts/new")
    page.get_by_label("Nome", exact=True).fill("Escrito antes da queda")
    context.set_offline(True)
    banner = page.get_by_role("alert").filter(has_text="Sem contato com a caixa")
    assert not banner.is_visible()
    banner.wait_for(timeout=20_000)
    context.set_offline(False)
    banner.wait_for(state="hidden", timeout=20_000)
    assert page.get_by_label("Nome", exact=True).input_value() == "Escrito antes da queda"


def test_filters_stand_in_the_address_and_survive_a_reload(box, ana, new_context):
    with box.unit(ana.tenant_id) as uow:
        for name in ("Beatriz Nogueira", "Otávio Ferraz"):
            contacts.create_contact(uow, ContactFields(name=name))
    page = new_context(ana).new_page()
    page.goto("/contacts")
    page.get_by_role("searchbox").fill("beat")
    page.get_by_role("link", name="Otávio Ferraz").wait_for(state="detached")
    assert "q=beat" in page.url
    page.reload()
    assert page.get_by_role("searchbox").input_value() == "beat"
    assert page.get_by_role("link", name="Otávio Ferraz").count() == 0


def test_navigation_opens_on_a_phone_and_closes_with_escape(ana, new_context):
    page = new_context(ana, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/")
    page.wait_for_selector(READY)
    menu = page.get_by_role("navigation", name="Principal")
    assert not menu.is_visible()
    page.get_by_role("button", name="Mais").click()
    assert menu.is_visible()
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    assert page.evaluate("document.activeElement.textContent.trim()") == "Mais"
