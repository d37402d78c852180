"""Possible duplicates, as a person decides about them."""

import re

import pytest
from playwright.sync_api import expect

from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.rules.duplicates import pair
from appliance.domains.contacts.schemas import ContactFields, DuplicatesQuery
from appliance.domains.contacts.types import DuplicateState, Likeness

pytestmark = pytest.mark.only_database("sqlite")


def test_two_are_merged_and_parted_again_and_two_stay_two(box, site, new_context, ana):
    with box.unit(ana.tenant_id) as uow:
        people = [
            actions.create_contact(uow, ContactFields(name=name, phone=phone, email=email))
            for name, phone, email in (
                ("Bia Souza", "11 98888-7777", None), ("SOUZA, BIA", None, "bia@x.example"),
                ("Caio Prado", "11 95555-4444", None), ("Caio  Prado", None, "caio@x.example"),
            )
        ]  # fmt: skip
        bia, same, caio, other = (person.id for person in people)
        actions.suggest(uow, [pair(bia, same, Likeness.NAME, 99), pair(caio, other, Likeness.NAME, 91)])
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/contacts")
    page.click("main a[href$='/contacts/duplicates']")
    expect(page.locator("#duplicates > section")).to_have_count(2)
    page.click("#duplicates > section:first-child .dup-pair > div:first-child button")  # who is here longer is kept
    expect(page.get_by_role("dialog")).to_have_accessible_name("Juntar SOUZA, BIA a Bia Souza?")
    page.get_by_role("dialog").get_by_role("button", name="Juntar").click()
    expect(page.get_by_role("status").filter(has_text="SOUZA, BIA agora faz parte de Bia Souza.")).to_be_visible()
    page.click("#duplicates > section:first-child .card-foot button")
    page.wait_for_selector("#duplicates .empty")
    with box.unit(ana.tenant_id, read_only=True) as uow:
        assert queries.get_contact(uow, same).id == bia
        assert queries.get_contact(uow, other).id == other
    page.click(".tabs a:has-text('Unidos')")
    expect(page.locator("#duplicates")).to_contain_text("Passou a fazer parte de Bia Souza.")
    page.click("#duplicates .card-foot button")
    expect(page.get_by_role("status").filter(has_text="SOUZA, BIA e Bia Souza são dois contatos de novo.")).to_be_visible()
    page.wait_for_selector("#duplicates .empty")
    with box.unit(ana.tenant_id, read_only=True) as uow:
        assert queries.get_contact(uow, same).id == same
        assert queries.list_duplicates(uow, DuplicatesQuery(state=DuplicateState.DISMISSED)).total == 2


@pytest.mark.parametrize("decision", ["merge", "dismiss", "reopen"])
def test_what_was_decided_meanwhile_is_said_above_the_list(decision, app, box, tenant_id, browser_headers):
    with box.unit(tenant_id) as uow:
        one, two = (actions.create_contact(uow, ContactFields(name=name)).id for name in ("Bia Souza", "Souza, Bia"))
        actions.suggest(uow, [pair(one, two, Likeness.NAME, 99)])
        found = queries.list_duplicates(uow, DuplicatesQuery()).items[0].id
        actions.merge_duplicate(uow, found, one)
    client = app.test_client()
    page = client.get("/contacts/duplicates", headers=browser_headers).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    sent = {"csrf_token": token, "kept_id": str(one)}
    answer = client.post(f"/contacts/duplicates/{found}/{decision}", data=sent, headers=browser_headers)
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/contacts/duplicates")
    with client.session_transaction() as session:
        assert [kind for kind, _said in session["_flashes"]] == ["bad"]
