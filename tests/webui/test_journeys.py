"""What people do with the shell, in a browser: without a mouse, with two tabs, with the network gone."""

import re

import pytest
from playwright.sync_api import expect

from appliance.core.web import PageQuery
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.identity import actions as identity
from appliance.domains.identity import queries as people
from tests.webui.conftest import PASSWORD
from tests.webui.visitor import until
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


def tab_to(page, name):
    """Tab until what is called so has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()").startswith(name):
            return
    pytest.fail(f"{name!r} cannot be reached with the Tab key")


def test_set_up_then_out_and_in_again_to_reply_and_resolve_without_a_mouse(box, new_context, site):
    page = new_context().new_page()
    watch = Watch(page, site.url)
    page.goto("/setup")
    type_into(page, "Código", identity.create_setup_code(box))
    type_into(page, "Seu nome", "Ana Prado")
    type_into(page, "E-mail", "ana@solara.example")
    type_into(page, "Senha", PASSWORD)
    type_into(page, "Nome da empresa", "Solara Energia")
    page.keyboard.press("Enter")
    page.wait_for_url("**/setup/brand")
    for step, key in (("models", "Agora não"), ("safety", "Continuar")):
        tab_to(page, key)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/setup/{step}")
    tab_to(page, "Concluir")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Ana$"))
    assert watch.complaints == []

    tab_to(page, "Conta de Ana")
    page.keyboard.press("Enter")
    tab_to(page, "Sair")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("ana@solara.example")
    type_into(page, "Senha", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/")
    page.locator(READY).wait_for()
    somebody_writes(box)
    page.keyboard.type("gi")  # in one go: the second has to come within a second
    page.wait_for_url("**/inbox")
    page.locator(".conv", has_text="Beatriz").wait_for()
    page.locator(READY).wait_for()
    page.keyboard.press("j")
    page.get_by_role("region", name="Conversa com Beatriz").wait_for()
    page.keyboard.press("r")
    page.keyboard.type("já respondo")
    page.keyboard.press("Enter")
    page.locator(".msg.out[data-message]", has_text="já respondo").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.get_by_role("button", name="Reabrir").wait_for()
    assert watch.complaints == []


def somebody_writes(box):
    with box.whole_box("test", read_only=True) as uow:
        tenant_id = people.list_tenants(uow, PageQuery()).items[0].id
    with box.unit(tenant_id) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz", text="oi")


def test_a_form_that_is_refused_keeps_what_was_typed_and_goes_to_the_first_error(new_context, box):
    page = new_context().new_page()
    page.goto("/setup")
    page.get_by_label("Código de uso único").fill("AAAA-BBBB-CCCC")
    page.get_by_label("Seu nome").fill("Ana Prado")
    page.get_by_label("E-mail").fill("ana")
    page.get_by_label("Nome da empresa").fill("Solara")
    page.get_by_role("button", name="Configurar e continuar").click()
    page.wait_for_selector('[aria-invalid="true"]')
    expect(page.get_by_label("Seu nome")).to_have_value("Ana Prado")
    expect(page.locator("#f-email")).to_be_focused()
    described = "document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent"
    assert page.evaluate(described).startswith("Digite um e-mail")


def test_skip_link_leads_past_the_navigation(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/contacts")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_language_chosen_in_the_menu_is_the_person_s_own(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/contacts")
    for language, title in (("English", "Contacts"), ("Português", "Contatos")):
        page.locator("button.me").click()
        page.locator("#me-menu").get_by_role("button", name=language).click()
        page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    page.locator("button.me").click()
    page.locator("#me-menu").get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Contacts", exact=True, level=1).wait_for()
    elsewhere = new_context(ana).new_page()
    elsewhere.goto("/contacts")
    elsewhere.get_by_role("heading", name="Contacts", exact=True, level=1).wait_for()


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


def test_palette_keeps_the_enter_of_who_types_before_it_is_loaded(ana, new_context):
    page = new_context(ana).new_page()
    held = []
    page.route("**/palette/palette*.js", lambda route: held.append(route))  # noqa: PLW0108 - the library marks what it is given
    page.goto("/")
    page.wait_for_selector(READY)
    page.keyboard.press("Control+k")
    page.keyboard.type("contatos")
    page.keyboard.press("Enter")
    until(page, lambda: held)
    held[0].continue_()
    page.wait_for_url("**/contacts")


@pytest.mark.parametrize("tells", [True, False], ids=["the browser tells when it had read the page", "it tells nobody"])
def test_a_page_whose_words_come_late_listens_all_the_same(ana, new_context, tells):
    page = new_context(ana).new_page()
    held = []
    page.route("**/i18n/*.json", lambda route: held.append(route))  # noqa: PLW0108 - the library marks what it is given
    if not tells:
        page.clock.install()
    page.goto("/", wait_until="domcontentloaded")
    until(page, lambda: held)
    expect(page.locator(READY)).to_have_count(0)
    for one in held:
        one.continue_()
    expect(page.locator(READY)).to_have_count(1)


def test_shortcut_sheet_lists_the_keys_and_turns_them_off(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/")
    page.wait_for_selector(READY)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Atalhos do teclado")
    sheet.get_by_text("Contatos").wait_for()
    sheet.get_by_role("switch").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()


def test_a_list_shows_by_itself_what_another_person_adds(box, ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/contacts")
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Beatriz Nogueira"))
    page.get_by_role("link", name="Beatriz Nogueira").wait_for()


@pytest.mark.parametrize("other_tabs", [0, 1])
def test_what_happens_before_a_page_listens_is_shown_all_the_same(box, ana, new_context, other_tabs):
    context = new_context(ana)
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Carlos Antes"))
    for tab in [context.new_page() for _ in range(other_tabs)]:
        tab.goto("/contacts")
    page = context.new_page()
    held = []

    def hold(route):
        held.append(route)

    page.route("**/js/live.js", hold)
    with page.expect_request("**/js/live.js"):
        page.goto("/contacts", wait_until="commit")
    page.get_by_role("link", name="Carlos Antes").wait_for()
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Beatriz Nogueira"))
    for tab in context.pages[:other_tabs]:
        tab.get_by_role("link", name="Beatriz Nogueira").wait_for()
    until(page, lambda: held)
    held[0].continue_()
    page.get_by_role("link", name="Beatriz Nogueira").wait_for()


def test_all_tabs_of_a_browser_share_one_stream(ana, new_context, box):
    context = new_context(ana)
    streams = []
    context.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    pages = [context.new_page() for _ in range(4)]
    with context.expect_event("request", lambda request: request.url.endswith("/events")):
        for page in pages:
            page.goto("/contacts")
    pages[0].wait_for_timeout(500)
    assert len(streams) == 1
    with box.unit(ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name="Beatriz Nogueira"))
    for page in pages:
        page.get_by_role("link", name="Beatriz Nogueira").wait_for()


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
    second.get_by_role("link", name="Beatriz Nogueira").wait_for()


def test_a_lost_box_is_told_after_three_seconds_and_nothing_typed_is_lost(ana, new_context):
    context = new_context(ana)
    page = context.new_page()
    with page.expect_response("**/events"):  # one that opens as the network goes would say that it is back
        page.goto("/contacts/new")
    page.get_by_label("Nome", exact=True).fill("Escrito antes da queda")
    banner = page.get_by_role("alert").filter(has_text="Sem conexão")
    expect(banner).to_be_hidden()
    context.set_offline(True)
    banner.wait_for()
    context.set_offline(False)
    banner.wait_for(state="hidden")
    expect(page.get_by_label("Nome", exact=True)).to_have_value("Escrito antes da queda")


def test_filters_stand_in_the_address_and_survive_a_reload(box, ana, new_context):
    with box.unit(ana.tenant_id) as uow:
        for name in ("Beatriz Nogueira", "Otávio Ferraz"):
            contacts.create_contact(uow, ContactFields(name=name))
    page = new_context(ana).new_page()
    page.goto("/contacts")
    page.get_by_role("searchbox").fill("beat")
    page.get_by_role("link", name="Otávio Ferraz").wait_for(state="detached")
    expect(page).to_have_url(re.compile("q=beat"))
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("beat")
    expect(page.get_by_role("link", name="Otávio Ferraz")).to_have_count(0)


def test_navigation_opens_on_a_phone_and_closes_with_escape(ana, new_context):
    page = new_context(ana, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/")
    page.wait_for_selector(READY)
    menu = page.get_by_role("navigation", name="Principal")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Mais").click()
    menu.wait_for()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator(":focus")).to_have_text("Mais")
