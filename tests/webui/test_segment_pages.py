"""Segments as a person builds them."""

import pytest

from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ContactFields

pytestmark = pytest.mark.only_database("sqlite")


def test_a_segment_is_built_counted_while_it_is_and_kept(box, site, new_context, ana):
    with box.unit(ana.tenant_id) as uow:
        actions.create_contact(uow, ContactFields(name="Davi", tags=["vip"], region="SP"))
        actions.create_contact(uow, ContactFields(name="Bia", tags=["vip"], region="MG"))
        actions.create_contact(uow, ContactFields(name="Caio", email="caio@loja.example"))
    page = new_context(ana).new_page()
    page.set_default_timeout(15000)
    page.goto(f"{site.url}/segments/new")
    page.fill("#f-name", "VIP de SP")
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
    assert page.locator("#f-g1-0-value").is_hidden()
    page.wait_for_selector("#segment-count:has-text('2 pessoas')")
    assert page.input_value("#f-name") == "VIP de SP"
    page.click("main form.card button[type=submit]")
    page.wait_for_selector("#h-fit")
    assert page.locator("table tbody tr").count() == 2
    page.click("button[data-drop=g1-0]")
    page.wait_for_selector("#f-g1-0-field", state="detached")
    page.wait_for_selector("#segment-count:has-text('1 pessoa')")
    with box.unit(ana.tenant_id) as uow:
        [kept] = queries.list_segments(uow)
        assert (kept.name, kept.tree["match"], len(kept.tree["groups"])) == ("VIP de SP", "any", 2)


def test_an_unfinished_condition_is_told_and_what_was_chosen_stays(site, new_context, ana):
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/segments/new")
    page.fill("#f-name", "VIP")
    page.click("main form.card button[type=submit]")
    page.wait_for_selector("form [role=alert]")
    assert page.input_value("#f-name") == "VIP"
