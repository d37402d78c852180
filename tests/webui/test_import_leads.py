"""The people of a file as leads, chosen where the file is imported."""

import re

import pytest
from playwright.sync_api import expect

from appliance.domains.leads import queries
from appliance.domains.leads.schemas import LeadsQuery
from tests.factories.leads import make_source
from tests.webui.sending import send

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
SHEET = "nome;email\nAna;ana@x.example\nBia;bia@x.example\n"


@pytest.fixture
def at_columns(ana, new_context):
    """The page of a file that was sent."""
    page = new_context(ana).new_page()
    page.goto("/contacts/import")
    page.set_input_files("input[type=file]", {"name": "feira.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.locator("main form button[type=submit]").click()
    page.locator("#f-source_id").wait_for()
    return page


def list_leads(box, ana):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return queries.list_leads(uow, LeadsQuery()).items


def test_a_file_is_checked_and_imported_as_leads_of_a_source_made_in_place(box, ana, at_columns, run_deliveries):
    page = at_columns
    page.fill("#f-new_source", "Feira de maio")
    send(page.get_by_role("button", name="Só conferir"))
    run_deliveries()
    check = page.locator("#import-check")
    expect(check.locator(".kpis")).to_contain_text(re.compile(r"Leads novos\s*2"))
    expect(page.locator("#f-source_id option:checked")).to_have_text("Feira de maio")
    assert list_leads(box, ana) == []
    send(page.get_by_role("button", name="Importar", exact=True))
    run_deliveries()
    expect(page.locator("#import-run .kpis")).to_contain_text(re.compile(r"Leads novos\s*2"))
    assert len(list_leads(box, ana)) == 2
    page.get_by_role("link", name="Ver os leads").click()
    expect(page.locator("#lead-list tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Ana", exact=True).click()
    expect(page.locator("dl.kv").first).to_contain_text("feira.csv")


def test_a_file_is_imported_as_leads_of_a_source_that_is_there(box, ana, new_context, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        made = make_source(uow, kind="csv_import", name="Feira")
        make_source(uow, name="Site")
    page = new_context(ana).new_page()
    page.goto("/contacts/import")
    page.set_input_files("input[type=file]", {"name": "feira.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#f-source_id option")).to_have_text(["De nenhuma: só contatos", "Feira"])
    page.select_option("#f-source_id", label="Feira")
    send(page.get_by_role("button", name="Importar", exact=True))
    run_deliveries()
    expect(page.locator("#import-run .kpis")).to_contain_text(re.compile(r"Leads novos\s*2"))
    assert {lead.source_id for lead in list_leads(box, ana)} == {made.id}


def test_such_a_source_shows_no_address_and_says_where_it_is_chosen(box, ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/leads/sources/new")
    page.fill("#f-name", "Feira")
    page.select_option("#f-kind", "csv_import")
    send(page.locator("main form button[type=submit]"))
    expect(page.locator("#h-how")).to_be_visible()
    expect(page.locator("#source-address, #h-map, #f-confirm_by")).to_have_count(0)
    page.fill("#f-dedupe_hours", "0")
    send(page.locator("#source-form button[type=submit]"))
    expect(page.locator("#f-dedupe_hours")).to_have_value("0")
    page.get_by_role("link", name="Importar um arquivo").click()
    expect(page.locator("#f-file")).to_be_attached()
