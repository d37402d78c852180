"""The people of a file as leads, chosen where the file is imported."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.web import PageQuery
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.rules import spreadsheets
from appliance.domains.leads import queries
from appliance.domains.leads.schemas import LeadsQuery
from tests.factories.leads import make_source
from tests.webui.sending import send

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
PAGE = {"Accept": "text/html"}
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


def list_sources(box, ana):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return [source.name for source in queries.list_sources(uow, PageQuery()).items]


def test_a_file_is_checked_and_imported_as_leads_of_a_source_made_in_place(box, ana, at_columns, run_deliveries):
    page = at_columns
    page.fill("#f-new_source", "Feira de maio")
    send(page.get_by_role("button", name="Só conferir"))
    run_deliveries()
    expect(page.locator("#import-check")).to_contain_text("serão leads de “Feira de maio”")
    expect(page.locator("#f-new_source")).to_have_value("Feira de maio")
    assert (list_leads(box, ana), list_sources(box, ana)) == ([], [])
    send(page.get_by_role("button", name="Importar", exact=True))
    run_deliveries()
    expect(page.locator("#import-run .kpis")).to_contain_text(re.compile(r"Leads novos\s*2"))
    assert (len(list_leads(box, ana)), list_sources(box, ana)) == (2, ["Feira de maio"])
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


def test_a_check_by_a_known_name_counts_what_is_new_there(box, ana, at_columns, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        make_source(uow, kind="csv_import", name="Feira de maio")
    at_columns.fill("#f-new_source", "Feira de maio")
    send(at_columns.get_by_role("button", name="Só conferir"))
    run_deliveries()
    expect(at_columns.locator("#import-check .kpis")).to_contain_text(re.compile(r"Leads novos\s*2"))
    assert list_sources(box, ana) == ["Feira de maio"]


def test_an_import_that_failed_for_good_says_so_and_what_to_do(box, ana, at_columns):
    at_columns.fill("#f-new_source", "Feira de maio")
    send(at_columns.get_by_role("button", name="Importar", exact=True))
    expect(at_columns.locator("#import-run")).to_contain_text("Lendo o arquivo")
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).where(Delivery.subscriber == "contacts.run_import").values(state=DeliveryState.DEAD))
    expect(at_columns.locator("#import-run .banner")).to_contain_text("Parou antes do fim")
    expect(at_columns.get_by_role("link", name="Por que parou")).to_be_visible()


@pytest.mark.parametrize("chosen", ["new_source", "source_id"])
def test_leads_are_made_by_who_may_write_leads(box, app, somebody, tenant_id, keep_file, chosen):
    stored = keep_file(SHEET.encode())
    with box.unit(tenant_id) as uow:
        given = {"new_source": "Feira", "source_id": str(make_source(uow, kind="csv_import", name="Loja").id)}
        run = contacts.create_import(uow, stored.id, "feira.csv", spreadsheets.read_sheet(SHEET.encode()))
    address, client = f"/contacts/import/{run.id}", app.test_client()
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(address, headers=PAGE).text)[1]
    for held, status in (({"leads:configure", "contacts:write"}, 403), ({"leads:write", "leads:configure", "contacts:write"}, 302)):
        somebody.may(*held)
        sent = {"csrf_token": token, chosen: given[chosen], "dry_run": "1"}
        assert client.post(address, data=sent, headers=PAGE).status_code == status


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
