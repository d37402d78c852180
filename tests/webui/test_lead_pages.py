"""Leads and their sources as a person works with them in the pages."""

import html
import json
import re
import subprocess
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from appliance.core.web import Authenticator, create_app
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.rules import confirming
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import Tenant
from appliance.domains.leads import actions, queries
from appliance.domains.leads.schemas import LeadsQuery, SourcePatch
from appliance.domains.leads.types import Parcel, SourceKind
from appliance.entrypoints.boot import BoxAuthenticator
from tests.factories.channels import make_mailbox
from tests.factories.contacts import make_contact
from tests.factories.leads import DAVI, capture, make_source
from tests.webui.conftest import ANA, PASSWORD
from tests.webui.sending import send
from tests.webui.test_people_pages import Browser
from webui import branding, shell

pytestmark = pytest.mark.only_database("sqlite")
LINES_OF_A_WORD = """cell => {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange();
  let most = 1;
  for (let node; (node = walk.nextNode());) {
    for (const { 0: word, index } of node.data.matchAll(/\\S+/g)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      most = Math.max(most, new Set([...range.getClientRects()].map((box) => box.top)).size);
    }
  }
  return most;
}"""


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


def test_a_source_shows_its_secret_once_with_an_example_that_works(box, site, new_context, ana, run_deliveries):
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/leads/sources/new")
    page.fill("#f-name", "Landing page")
    page.click("main button[type=submit]")
    expect(page).not_to_have_url(re.compile("/new$"))  # reloading makes no second source
    secret = page.inner_text("#source-secret")
    command = page.inner_text("#curl").replace(box.settings.public_url, site.url)
    answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=120).stdout)
    assert answer["state"] == "waiting"
    run_deliveries()
    with box.unit(ana.tenant_id) as uow:
        [lead] = queries.list_leads(uow, LeadsQuery()).items
        assert (lead.id, lead.utm["campaign"]) == (queries.get_receipt(uow, UUID(answer["id"])).lead_id, "natal")
        address = f"{site.url}/leads/sources/{lead.source_id}"
    page.goto(address)
    assert secret not in page.content()
    page.fill("#f-payload", '{"pessoa": {"nome": "Ana Lima"}, "contato": "ana@solara.example"}')
    page.fill("#f-map-email", "contato")
    page.wait_for_selector("#trial td:has-text('ana@solara.example')")
    expect(page.locator("#trial")).to_contain_text("Ana Lima")
    send(page.locator("#source-form section:last-child button[type=submit]"))
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
    assert re.search(r"<dt>Campanha</dt><dd[^>]*>natal</dd>", shown.text)
    assert '"utm_campaign": "natal"' in text_of(shown)
    assert ana_at_home.send(address, address, status="converted", score="80").status_code == 302
    with box.unit(tenant) as uow:
        lead = queries.get_lead(uow, found.lead_id)
        assert (lead.status, lead.score) == ("converted", 80)
    assert ana_at_home.send(address, address, status="new", score="900").status_code == 302
    contact = ana_at_home.get(f"/contacts/{found.contact_id}").text
    assert "Landing page" in contact


@pytest.mark.browser
def test_a_name_without_a_space_is_clipped_and_breaks_no_short_word_beside_it(box, ana, site, new_context):
    with box.unit(ana.tenant_id) as uow:
        capture(uow, make_source(uow).id, {**DAVI, "nome": "x" * 200})
    page = new_context(ana).new_page()
    page.goto(f"{site.url}/leads")
    name = page.get_by_role("link", name="x" * 200)
    expect(name).to_be_visible()
    for width in (1280, 900, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert name.evaluate("it => it.clientHeight / parseFloat(getComputedStyle(it).lineHeight)") < 2.5, width
        for cell in page.locator("tbody td:not(:first-child):visible").all():
            assert cell.evaluate(LINES_OF_A_WORD) == 1, (width, cell.inner_text())


def test_what_was_sent_is_read_in_words_with_its_lines(box, tenant, ana_at_home):
    with box.unit(tenant) as uow:
        said = {"name": "Davi", "email": "davi@loja.example", "message": "Bom dia\nquero um orçamento", "utm_source": "google", "cor": "x"}
        lead_id = capture(uow, make_source(uow).id, said).lead_id
    shown = ana_at_home.get(f"/leads/{lead_id}").text
    sent = re.search(r'id="h-sent".*?</dl>', shown, re.DOTALL)[0]
    assert re.findall(r"<dt>(.*?)</dt>", sent) == ["Nome", "E-mail", "Mensagem", "Origem da campanha", "cor"]
    assert '<dd class="as-typed">Bom dia\nquero um orçamento</dd>' in sent
    assert ">Novo</option>" in shown
    assert ">Novo</span>" in ana_at_home.get("/leads").text


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


def test_what_names_nobody_is_read_once_more_with_a_new_path(box, tenant, ana_at_home, run_deliveries):
    with box.unit(tenant) as uow:
        source = make_source(uow)
        body = json.dumps({"quem": "Davi Rocha"})
        actions.accept_leads(uow, source.id, source.secrets[queries.SECRET], [Parcel("e1", body)])
    run_deliveries()
    address = f"/leads/sources/{source.id}"
    assert "1 recusado" in ana_at_home.get("/leads/sources").text
    assert "Davi Rocha" in text_of(ana_at_home.get(address))
    with box.unit(tenant) as uow:
        actions.change_source(uow, source.id, SourcePatch(mapping={"name": "quem"}))
    assert ana_at_home.send(address, f"{address}/rejected/retry").status_code == 302
    run_deliveries()
    assert "recusado" not in ana_at_home.get("/leads/sources").text
    assert "Davi Rocha" in ana_at_home.get("/leads").text


@pytest.mark.parametrize(("days", "said"), [(1, "Guardado por 1 dia."), (30, "Guardado por 30 dias.")])
def test_what_was_not_taken_says_how_long_it_is_kept_here(days, said, box, tenant, ana_at_home, run_deliveries, monkeypatch):
    monkeypatch.setitem(box.settings.channels.__dict__, "rejected_days", days)
    with box.unit(tenant) as uow:
        source = make_source(uow)
        actions.accept_leads(uow, source.id, source.secrets[queries.SECRET], [Parcel("e1", json.dumps({"quem": "Davi"}))])
    run_deliveries()
    assert said in ana_at_home.get(f"/leads/sources/{source.id}").text


def test_what_can_be_read_once_more_is_not_hidden_behind_what_nobody_signed(box, tenant, ana_at_home, run_deliveries):
    with box.unit(tenant) as uow:
        source = make_source(uow)
        actions.accept_leads(uow, source.id, source.secrets[queries.SECRET], [Parcel("e1", json.dumps({"quem": "Davi Rocha"}))])
    run_deliveries()
    with box.unit(tenant) as uow:
        for number in range(21):
            actions.keep_rejected(uow, source.id, "malformed_json", b"junk %d" % number)
    address = f"/leads/sources/{source.id}"
    first, second = (ana_at_home.get(f"{address}?page={page}").text for page in (1, 2))
    assert "Davi Rocha" in first
    assert "Ler de novo" in first
    assert "junk 0<" not in first
    assert "junk 0<" in second


def test_a_form_that_asks_for_nothing_is_refused_and_keeps_what_was_typed(box, tenant, ana_at_home):
    with box.unit(tenant) as uow:
        address = f"/leads/sources/{make_source(uow, kind=SourceKind.FORM).id}"
    refused = ana_at_home.send(address, address, name="Site", dedupe_hours="24", title="Peça um orçamento", thanks="", consent_text="")
    assert refused.status_code == 422
    assert "Escolha ao menos uma coisa" in refused.text
    assert 'value="Peça um orçamento"' in refused.text


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
    send(page.locator("main button[type=submit]"))
    page.fill("#f-consent_text", "Aceito receber ofertas.")
    page.uncheck("#f-fields-phone")
    send(page.locator("section[aria-labelledby=h-form] button[type=submit]"))
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
        expect(visitor.locator("h1")).to_contain_text("Obrigado")
    with box.unit(ana.tenant_id) as uow:
        found = queries.list_leads(uow, LeadsQuery()).items
        assert [lead.utm for lead in found] == [{"campaign": "natal"}, {}]


def test_a_source_of_metas_asks_for_its_keys_and_shows_none(box, tenant, ana_at_home):
    typed = {"name": "Anúncios", "kind": "meta_lead_ads", "access_token": "EAAG-1"}
    refused = ana_at_home.send("/leads/sources/new", "/leads/sources/new", **typed)
    assert (refused.status_code, refused.text.count('aria-invalid="true"')) == (422, 2)
    made = ana_at_home.send("/leads/sources/new", "/leads/sources/new", **typed, app_secret="shh", verify_token="phrase")
    assert made.status_code == 302
    assert "/webhooks/meta-leads/" in ana_at_home.get(made.headers["Location"]).text
    with box.unit(tenant) as uow:
        [source] = queries.list_sources(uow, LeadsQuery()).items
    address = f"/leads/sources/{source.id}"
    assert ana_at_home.send(address, address, name="Anúncios", dedupe_hours="0", access_token="EAAG-2", active="1").status_code == 302
    with box.unit(tenant) as uow:
        assert queries.get_source(uow, source.id).secrets == {"access_token": "EAAG-2", "app_secret": "shh", "verify_token": "phrase"}
    assert not [secret for secret in ("EAAG", "shh") if secret in ana_at_home.get(address).text]


def test_a_source_says_that_its_mailbox_was_made_to_ask_too_many(box, tenant, ana_at_home, monkeypatch):
    monkeypatch.setattr(confirming, "MOST_A_DAY", 2)
    with box.unit(tenant) as uow:
        mailbox = make_mailbox(uow)
        address = f"/leads/sources/{make_source(uow, kind='form', name='Site', form={}, confirm_by=mailbox).id}"
    said = []
    for _ in range(2):
        with box.unit(tenant) as uow:
            contact = make_contact(uow)
            contacts.ask_confirmation(uow, contact.id, contacts.Asking(contact.email, mailbox, "lead: Site", "", {}))
        said.append("500 pessoas" in text_of(ana_at_home.get(address)))
    assert said == [False, True]


@pytest.mark.parametrize("is_confirmed_by_mail", [False, True])
def test_a_yes_on_a_form_is_said_in_words_and_whether_it_awaits_confirmation(is_confirmed_by_mail, box, tenant, ana_at_home):
    typed = {"name": "Davi", "email": "davi@loja.example", "consent": "yes"}
    with box.unit(tenant) as uow:
        mailbox = make_mailbox(uow) if is_confirmed_by_mail else None
        lead = capture(uow, make_source(uow, kind="form", name="Site", form={}, confirm_by=mailbox).id, typed).lead_id
    text = ana_at_home.get(f"/leads/{lead}").text
    assert re.search(r'<dd class="as-typed">Sim\b', text)
    assert ("aguarda confirmação" in text) is is_confirmed_by_mail
