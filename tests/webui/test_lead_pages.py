"""Leads and their sources as a person works with them in the pages."""

import html
import json
import re
import subprocess

import pytest
from sqlalchemy import select

from appliance.core.web import Authenticator, create_app
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import Tenant
from appliance.domains.leads import actions, queries
from appliance.domains.leads.schemas import LeadsQuery
from appliance.entrypoints.boot import BoxAuthenticator
from tests.factories.leads import DAVI, capture, make_source
from tests.webui.conftest import ANA, PASSWORD
from tests.webui.test_people_pages import Browser
from webui import branding, shell

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def tenant(box):
    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    identity.set_up_from_console(box, ANA)
    with box.whole_box("test") as uow:
        return uow.session.scalar(select(Tenant.id))


@pytest.fixture
def ana_at_home(box, tenant):
    browser = Browser(create_app(box, register=shell.register, error_page=shell.error_page))
    browser.send("/login", "/login", email=ANA.email, password=PASSWORD)
    return browser


def text_of(page):
    return html.unescape(page.text)


def test_a_source_shows_its_secret_once_with_an_example_that_works(box, site, new_context, ana):
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/leads/sources/new")
    page.fill("#f-name", "Landing page")
    page.click("main button[type=submit]")
    secret = page.inner_text("#source-secret")
    command = page.inner_text("#curl").replace(box.settings.public_url, site.url)
    answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=20).stdout)
    with box.unit(ana.tenant_id) as uow:
        [lead] = queries.list_leads(uow, LeadsQuery()).items
        assert (str(lead.id), lead.utm["campaign"]) == (answer["lead_id"], "natal")
        address = f"{site.url}/leads/sources/{lead.source_id}"
    page.goto(address)
    assert secret not in page.content()
    page.fill("#f-payload", '{"pessoa": {"nome": "Ana Lima"}, "contato": "ana@solara.example"}')
    page.fill("#f-map-email", "contato")
    page.wait_for_selector("#trial td:has-text('ana@solara.example')")
    assert "Ana Lima" in page.inner_text("#trial")
    page.click("#source-form section:last-child button[type=submit]")
    page.wait_for_selector("[data-flash], .toast, toast-stack")
    with box.unit(ana.tenant_id) as uow:
        assert queries.get_source(uow, lead.source_id).mapping == {"email": "contato"}


def test_the_list_is_filtered_and_leads_to_what_was_sent(box, tenant, ana_at_home):
    with box.unit(tenant) as uow:
        source = make_source(uow)
        found = capture(uow, source.id, DAVI)
        capture(uow, source.id, {"nome": "Bia", "telefone": "123"})
    page = ana_at_home.get("/leads")
    assert "Davi Rocha" in page.text
    assert "Bia" in page.text
    assert "Davi Rocha" not in ana_at_home.get("/leads?status=converted").text
    address = f"/leads/{found.lead_id}"
    shown = ana_at_home.get(address)
    assert "<dt>utm_campaign</dt><dd>natal</dd>" in shown.text
    assert '"utm_campaign": "natal"' in text_of(shown)
    assert ana_at_home.send(address, address, status="converted", score="80").status_code == 302
    with box.unit(tenant) as uow:
        lead = queries.get_lead(uow, found.lead_id)
        assert (lead.status, lead.score) == ("converted", 80)
    assert ana_at_home.send(address, address, status="new", score="900").status_code == 302
    contact = ana_at_home.get(f"/contacts/{found.contact_id}").text
    assert "Landing page" in contact


def test_what_a_source_did_not_take_is_shown_and_a_wrong_path_is_told(box, tenant, ana_at_home):
    with box.unit(tenant) as uow:
        source_id = make_source(uow).id
        actions.keep_rejected(uow, source_id, "malformed_json", b'{"nome": "Cut')
    address = f"/leads/sources/{source_id}"
    assert '{"nome": "Cut' in text_of(ana_at_home.get(address))
    refused = ana_at_home.send(address, address, **{"name": "Landing page", "map-email": "a..b", "dedupe_hours": "24", "payload": "{}"})
    assert refused.status_code == 422
    assert 'value="a..b"' in refused.text
    assert ana_at_home.send(address, f"{address}/try", payload="{").status_code == 200
    renewed = ana_at_home.send(address, f"{address}/secret")
    assert re.search(r'id="source-secret">lead_', renewed.text)
    assert ana_at_home.send(address, f"{address}/delete").headers["Location"].endswith("/leads/sources")


@pytest.mark.parametrize("more", [json.loads("[" * 400 + "]" * 400), "x" * 2**20], ids=["deep", "long"])
def test_what_cannot_be_laid_out_takes_no_page_along(box, tenant, ana_at_home, more):
    with box.unit(tenant) as uow:
        source_id = make_source(uow).id
        lead_id = capture(uow, source_id, {**DAVI, "more": more}).lead_id
    pages = [ana_at_home.get(f"/leads/sources/{source_id}"), ana_at_home.get(f"/leads/{lead_id}")]
    assert [page.status_code for page in pages] == [200, 200]


def test_a_source_without_a_name_is_asked_for_one(ana_at_home):
    refused = ana_at_home.send("/leads/sources/new", "/leads/sources/new", name="", kind="webhook")
    assert (refused.status_code, 'aria-invalid="true"' in refused.text) == (422, True)


def test_the_html_of_a_form_works_on_any_site_and_so_does_its_own_page(box, site, new_context, ana, tmp_path):
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/leads/sources/new")
    page.fill("#f-name", "Site")
    page.select_option("#f-kind", "form")
    page.click("main button[type=submit]")
    page.fill("#f-consent_text", "Aceito receber ofertas.")
    page.uncheck("#f-fields-phone")
    page.click("section[aria-labelledby=h-form] button[type=submit]")
    elsewhere = tmp_path / "site.html"
    page.wait_for_selector("text=Aceito receber ofertas.")
    elsewhere.write_text(page.inner_text("#snippet").replace(box.settings.public_url, site.url))
    own = page.inner_text("#source-address").replace(box.settings.public_url, site.url)
    visitor = new_context().new_page()
    for address, name in ((elsewhere.as_uri(), "Davi"), (f"{own}?utm_campaign=natal&fbclid=x", "Bia")):
        visitor.goto(address)
        visitor.get_by_label("Nome").fill(name)
        visitor.get_by_label("E-mail").fill(f"{name}@loja.example")
        visitor.get_by_label("Aceito receber ofertas.").check()
        visitor.get_by_role("button", name="Enviar").click()
        visitor.wait_for_url("**/thanks")
        assert "Obrigado" in visitor.inner_text("h1")
    with box.unit(ana.tenant_id) as uow:
        found = queries.list_leads(uow, LeadsQuery()).items
        assert [lead.utm for lead in found] == [{"campaign": "natal"}, {}]


def test_a_source_of_metas_asks_for_its_keys_and_shows_none(box, tenant, ana_at_home):
    typed = {"name": "Anúncios", "kind": "meta_lead_ads", "access_token": "EAAG-1"}
    refused = ana_at_home.send("/leads/sources/new", "/leads/sources/new", **typed)
    assert (refused.status_code, refused.text.count('aria-invalid="true"')) == (422, 2)
    made = ana_at_home.send("/leads/sources/new", "/leads/sources/new", **typed, app_secret="shh", verify_token="phrase")
    assert made.status_code == 201
    assert "/webhooks/meta-leads/" in made.text
    with box.unit(tenant) as uow:
        [source] = queries.list_sources(uow, LeadsQuery()).items
    address = f"/leads/sources/{source.id}"
    assert ana_at_home.send(address, address, name="Anúncios", dedupe_hours="0", access_token="EAAG-2", active="1").status_code == 302
    with box.unit(tenant) as uow:
        assert queries.get_source(uow, source.id).secrets == {"access_token": "EAAG-2", "app_secret": "shh", "verify_token": "phrase"}
    assert not [secret for secret in ("EAAG", "shh") if secret in ana_at_home.get(address).text]
