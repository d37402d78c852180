"""Segments as a person builds them."""

import contextlib

import pytest
from playwright.sync_api import Error, expect

from appliance.core.web import PageQuery
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import Condition, ContactFields, SegmentGroup, SegmentIn, SegmentTree
from tests.webui.axe import violations
from tests.webui.visitor import until

pytestmark = pytest.mark.only_database("sqlite")
TYPES_MS = 700  # from one word to the next: longer than the page waits before it asks


def test_a_segment_is_built_counted_while_it_is_and_kept(box, site, new_context, ana):
    with box.unit(ana.tenant_id) as uow:
        actions.create_contact(uow, ContactFields(name="Davi", tags=["vip"], region="SP"))
        actions.create_contact(uow, ContactFields(name="Bia", tags=["vip"], region="MG"))
        actions.create_contact(uow, ContactFields(name="Caio", email="caio@loja.example"))
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/segments/new")
    page.fill("#f-name", "VIP de SP")
    page.wait_for_selector("#segment-count:has-text('Termine uma condição')")  # nothing asked is not everybody
    page.fill("#f-g0-0-value", "vip")
    page.wait_for_selector("#segment-count:has-text('2 pessoas')")
    page.click("button[data-add=g0]")
    page.select_option("#f-g0-1-field", "region")
    page.select_option("#f-g0-1-test", "equals")
    page.fill("#f-g0-1-value", "SP")
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    page.click("button[data-add=group]")
    page.wait_for_selector("#f-g1-0-field")
    page.select_option("#f-match", "any")
    page.select_option("#f-g1-0-field", "email")
    page.select_option("#f-g1-0-test", "is_set")
    expect(page.locator("#f-g1-0-value")).to_be_hidden()
    page.wait_for_selector("#segment-count:has-text('2 pessoas')")
    expect(page.locator("#f-name")).to_have_value("VIP de SP")
    page.click("main form.card button[type=submit]")
    page.wait_for_selector("#h-fit")
    expect(page.locator("table tbody tr")).to_have_count(2)
    page.click("button[data-drop=g1-0]")
    page.wait_for_selector("#f-g1-0-field", state="detached")
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    with box.unit(ana.tenant_id) as uow:
        [kept] = queries.list_segments(uow)
        assert (kept.name, kept.tree["match"], len(kept.tree["groups"])) == ("VIP de SP", "any", 2)


def test_what_was_chosen_last_is_counted_however_late_the_answers_are(box, site, new_context, ana):
    with box.unit(ana.tenant_id) as uow:
        actions.create_contact(uow, ContactFields(name="Bia", tags=["vip"]))
    page = new_context(ana).new_page()
    held = []

    def hold(route):
        held.append(route)

    page.goto(f"{site.url}/segments/new")
    page.locator("html[data-ready]").wait_for()
    page.route("**/segments/build", hold, times=1)
    for words in ("v", "vi", "vip"):
        page.fill("#f-g0-0-value", words)
        page.wait_for_timeout(TYPES_MS)
    until(page, lambda: held)
    with contextlib.suppress(Error):  # asked for no longer
        held[0].continue_()
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")


def test_an_unfinished_condition_is_told_and_what_was_chosen_stays(site, new_context, ana):
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/segments/new")
    page.fill("#f-name", "VIP")
    page.click("main form.card button[type=submit]")
    page.wait_for_selector("form [role=alert]")
    expect(page.locator("#f-name")).to_have_value("VIP")


def test_a_segment_asks_who_is_responsible_what_happened_and_for_an_attribute(box, site, new_context, ana):
    with box.unit(ana.tenant_id) as uow:
        bia = actions.create_contact(uow, ContactFields(name="Bia", owner_id=ana.user_id, attributes={"cor": "azul"}))
        actions.create_contact(uow, ContactFields(name="Caio", attributes={"cor": "verde"}))
        actions.add_note(uow, bia.id, "Prefere de manhã")
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/segments/new")
    page.fill("#f-name", "Meus")
    page.select_option("#f-g0-0-field", "attribute")
    page.fill("#f-g0-0-key", "cor")
    page.fill("#f-g0-0-value", "E")  # azul has none
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    page.select_option("#f-g0-0-field", "owner")
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    page.select_option("#f-g0-0-field", "event")
    page.select_option("#f-g0-0-value", "note.added")
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    expect(page.locator("#f-g0-0-key")).to_be_hidden()
    page.select_option("#f-g0-0-test", "within_days")
    page.wait_for_selector("#segment-count:has-text('Termine')")
    page.get_by_label("Quantos dias").fill("30")
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    page.click("main form.card button[type=submit]")
    page.wait_for_selector("#h-fit")
    expect(page.locator("#f-g0-0-value")).to_have_value("note.added")
    expect(page.locator("#f-g0-0-key")).to_have_value("30")
    expect(page.locator("table tbody tr")).to_have_count(1)


def test_a_filter_is_frozen_into_a_list_changed_by_hand_and_let_go(box, site, new_context, ana):
    vip = SegmentTree(groups=[SegmentGroup(conditions=[Condition(field="tag", test="has", value="vip")])])
    with box.unit(ana.tenant_id) as uow:
        davi = actions.create_contact(uow, ContactFields(name="Davi Prado", tags=["vip"], phone="(11) 95512-0148"))
        actions.create_contact(uow, ContactFields(name="Bia Nogueira", email="bia@manaca.example"))
        segment_id = actions.create_segment(uow, SegmentIn(name="Feira de março", tree=vip)).id
        davi_id = davi.id
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/segments/{segment_id}")
    page.get_by_role("button", name="Transformar em lista fixa").click()
    page.get_by_role("dialog").get_by_role("button", name="Transformar em lista fixa").click()
    page.wait_for_selector("h2:has-text('Quem está na lista')")
    page.fill("#f-q", "nogueira")
    page.press("#f-q", "Enter")
    page.get_by_role("button", name="Adicionar Bia Nogueira").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Adicionar Bia Nogueira").click()
    page.get_by_role("button", name="Retirar Davi Prado da lista").click()
    page.get_by_role("button", name="Retirar Davi Prado da lista").wait_for(state="detached")
    expect(page.locator("table tbody tr")).to_have_text(["Bia Nogueira\t\tbia@manaca.example\t\t"], use_inner_text=True)
    page.fill("#f-name", "Melhores")
    page.get_by_role("button", name="Salvar").click()
    page.wait_for_selector("h1:has-text('Melhores')")
    page.goto(f"{site.url}/segments")
    expect(page.locator("#segments li")).to_contain_text("1 pessoa")
    page.goto(f"{site.url}/segments/{segment_id}")
    page.get_by_role("button", name="Seguir as condições").click()
    page.get_by_role("dialog").get_by_role("button", name="Seguir as condições").click()
    page.wait_for_selector("h2:has-text('Quem se encaixa agora')")
    with box.unit(ana.tenant_id) as uow:
        assert [one.id for one in queries.list_segment_contacts(uow, segment_id, PageQuery()).items] == [davi_id]
        assert queries.get_segment(uow, segment_id).name == "Melhores"
