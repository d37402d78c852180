"""Filters of the inbox under a name."""

import re

import pytest
from playwright.sync_api import expect

from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.schemas import SavedViewIn, ViewFilters
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from tests.factories.identity import make_member
from tests.webui.axe import violations
from tests.webui.conftest import ANA
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def vip(box, ana):
    """A conversation filed under “vip”, and one that is not."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    for name in ("Beatriz", "Caio"):
        with box.unit(ana.tenant_id) as uow:
            said = channels.receive_simulated(uow, phone, visitor=name, name=name, text="oi")
    with box.unit(ana.tenant_id) as uow:
        actions.change_labels(uow, said, ["vip"])
    return said


@pytest.fixture
def page(ana, new_context, site):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    return opened


@pytest.fixture
def names(box, ana):
    def kept():
        with box.unit(ana.tenant_id, read_only=True) as uow:
            return [(view.name, view.shared) for view in queries.list_views(uow, user_id=ana.user_id)]

    return kept


def open_page(page, path):
    """With every script at work: they hear after that."""
    with page.expect_response("**/events"):
        page.goto(path)


def test_news_draw_the_list_and_leave_what_can_be_chosen_as_it_is(box, ana, page, vip):
    rows = page.locator("[data-conversation]")
    open_page(page, "/inbox?view=all")
    expect(rows).to_have_count(2)
    shop = in_shop(box, ana)
    with page.expect_response(re.compile(r"/inbox/list\?view=all&choices=0")), box.unit(ana.tenant_id) as uow:
        phone = queries.get_conversation(uow, vip).channel_id
        channels.receive_simulated(uow, phone, visitor="Davi", name="Davi", text="oi")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    expect(page.get_by_text("Por canal")).to_have_count(0)  # there was one channel when the page was drawn
    with page.expect_response(lambda answer: "/inbox/list?" in answer.url and "choices" not in answer.url):
        page.get_by_role("link", name="Não enviadas").click()
    page.goto("/inbox")
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    page.get_by_text("Por canal").click()
    expect(page.get_by_role("link", name="Loja", exact=True)).to_have_attribute("href", re.compile(f"channel={shop}"))


def in_shop(box, ana):
    with box.unit(ana.tenant_id) as uow:
        return channels.create_channel(uow, ChannelIn(kind="simulator", name="Loja")).id


def views(page):
    return page.get_by_role("navigation", name="Vistas salvas")


def test_filters_are_saved_found_again_changed_and_deleted_with_a_way_back(page, vip, names):
    open_page(page, "/inbox?label=vip")
    page.get_by_role("button", name="Salvar este filtro").click()
    dialog = page.get_by_role("dialog", name="Salvar como vista")
    expect(dialog.get_by_label("Nome")).to_have_value("vip")  # Enter would do
    dialog.get_by_label("Nome").fill("Clientes VIP")
    assert violations(page) == []
    dialog.get_by_role("button", name="Salvar").click()
    link = views(page).get_by_role("link", name="Clientes VIP 1")
    link.wait_for()
    expect(link).to_have_attribute("aria-current", "true")

    open_page(page, "/inbox")
    page.keyboard.press("v")
    views(page).locator("a:focus").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox?label=vip")
    page.locator("[data-conversation]").nth(1).wait_for(state="detached")

    page.get_by_role("button", name="Mudar a vista Clientes VIP").click()
    dialog = page.get_by_role("dialog", name="Mudar esta vista")
    dialog.get_by_label("Nome").fill("VIPs")
    dialog.get_by_label("Quem a vê").select_option("Todos")
    dialog.get_by_role("button", name="Salvar").click()
    page.get_by_role("button", name="Desfazer").hover()  # else it goes by itself after some seconds
    views(page).get_by_role("link", name="VIPs").wait_for()
    assert names() == [("VIPs", True)]
    page.get_by_role("button", name="Desfazer").click()
    views(page).get_by_role("link", name="Clientes VIP").wait_for()
    assert names() == [("Clientes VIP", False)]

    page.get_by_role("button", name="Mudar a vista Clientes VIP").click()
    page.get_by_role("dialog").get_by_role("button", name="Excluir").click()
    page.get_by_role("button", name="Desfazer").last.hover()
    views(page).get_by_role("link").wait_for(state="detached")
    assert names() == []
    page.get_by_role("button", name="Desfazer").last.click()
    views(page).get_by_role("link", name="Clientes VIP").wait_for()
    assert page.watch.complaints == []


def test_views_have_a_place_of_their_own_before_there_is_one_and_lead_to_the_filters(page, vip):
    open_page(page, "/inbox")
    views(page).get_by_text("Escolha filtros").wait_for()
    views(page).get_by_role("button", name="Nova vista").click()
    page.get_by_role("group", name="Por etiqueta").wait_for()
    assert violations(page) == []


def test_a_name_that_there_is_already_is_said_in_the_dialog(box, ana, page, vip):
    with box.unit(ana.tenant_id) as uow:
        actions.create_view(uow, SavedViewIn(name="VIP", filters=ViewFilters(priority="high")), user_id=ana.user_id)
    open_page(page, "/inbox?label=vip")
    page.get_by_role("button", name="Salvar este filtro").click()
    page.get_by_label("Nome").fill("vip")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Já existe").wait_for()
    expect(page.get_by_label("Nome")).to_have_value("vip")


def test_a_view_that_a_colleague_shares_is_not_made_the_colleagues_alone(page, vip, box, ana):
    with box.unit(ana.tenant_id) as uow:
        actions.create_view(uow, SavedViewIn(name="Do Caio", filters=ViewFilters(label="vip"), shared=True), user_id=new_id())
    open_page(page, "/inbox?label=vip")
    page.get_by_role("button", name="Do Caio").click()
    audience = page.get_by_role("dialog").get_by_label("Quem a vê")
    audience.wait_for()
    expect(audience).to_contain_text("Todos")
    expect(audience).not_to_contain_text("Só eu")


def test_a_view_of_a_colleagues_is_deleted_after_a_question_and_not_put_back_as_ones_own(page, vip, box, ana, names):
    with box.unit(ana.tenant_id) as uow:
        actions.create_view(uow, SavedViewIn(name="Do Caio", filters=ViewFilters(label="vip"), shared=True), user_id=new_id())
    open_page(page, "/inbox?label=vip")
    page.get_by_role("button", name="Do Caio").click()
    page.get_by_role("dialog").get_by_role("button", name="Excluir").click()
    question = page.get_by_role("dialog", name="Um colega fez esta vista")
    question.get_by_role("button", name="Cancelar").click()
    assert names() == [("Do Caio", True)]
    page.get_by_role("dialog").get_by_role("button", name="Excluir").click()
    question.get_by_role("button", name="Excluir").click()
    page.get_by_text("Excluída.").wait_for()
    expect(page.get_by_role("button", name="Desfazer")).to_have_count(0)
    assert names() == []
    assert page.watch.complaints == []


def test_the_list_is_narrowed_to_a_channel_and_to_who_is_responsible(box, ana, page, vip):
    with box.unit(ana.tenant_id) as uow:
        make_member(uow)
        [fabio] = [one.user_id for one in identity.list_members(uow, MembersQuery()).items if one.user_id != ana.user_id]
        shop = channels.create_channel(uow, ChannelIn(kind="simulator", name="Loja")).id
        found = channels.receive_simulated(uow, shop, visitor="Davi", name="Davi", text="oi")
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        actions.assign(uow, vip, user_id=fabio)
    rows = page.locator("[data-conversation]")
    open_page(page, "/inbox")
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    page.get_by_text("Por canal").click()
    page.get_by_role("link", name="Loja", exact=True).click()
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-conversation", str(found))
    expect(page).to_have_url(re.compile(f"channel={shop}"))
    page.get_by_role("link", name=re.compile("^Loja")).click()  # its chip takes it away
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Outras vistas e etiquetas").click()
    page.get_by_text("Por responsável").click()
    page.get_by_role("link", name="Fábio", exact=True).click()
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-conversation", str(vip))
    page.get_by_role("button", name="Salvar este filtro").click()
    expect(page.get_by_role("dialog", name="Salvar como vista").get_by_label("Nome")).to_have_value("Fábio")
    assert violations(page) == []
