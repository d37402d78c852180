"""A form that keeps programs out, as browsers fill it in: on the box's page and on anybody's."""

import contextlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import expect

from appliance.domains.leads import queries
from appliance.domains.leads.schemas import FormSettings, LeadsQuery
from appliance.domains.leads.types import FormField
from tests.factories.leads import make_source
from tests.webui.axe import violations
from tests.webui.watch import Watch
from webui import theme
from webui.crm.forms import snippet

pytestmark = pytest.mark.only_database("sqlite")


@contextlib.contextmanager
def any_site(page):
    """Somebody's own site, that carries the form."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_a_browser_does_the_sum_while_somebody_types(box, site, chromium, ana):
    with box.unit(ana.tenant_id) as uow:
        form_id = make_source(uow, kind="form", form={"keeps_programs_out": True}).id
    context = chromium.new_context(locale="pt-BR")
    page = context.new_page()
    watch = Watch(page, site.url)
    page.goto(f"{site.url}/forms/{form_id}")
    assert violations(page) == []
    page.fill("#f-name", "Davi Rocha")
    page.fill("#f-email", "davi@loja.example")
    page.press("#f-email", "Enter")
    page.wait_for_url("**/thanks")
    page.go_back()
    page.fill("#f-name", "Davi Rocha, de novo")
    page.fill("#f-email", "davi@loja.example")
    page.get_by_role("button", name="Enviar").click()
    page.wait_for_url(f"{site.url}/forms/{form_id}/thanks")  # with a sum of its own
    assert watch.complaints == []
    colours = theme.theme_for(theme.parse_colour("#0b6b5d")).light
    settings, labels = FormSettings(keeps_programs_out=True), {field: field.value for field in FormField}
    foreign = snippet(f"{site.url}/forms/{form_id}", settings, labels, colours)
    with any_site(foreign) as address:
        page.goto(address)
        page.fill("[name=name]", "Rita")
        page.fill("[name=phone]", "11 98000-4321")
        page.click("button")
        page.wait_for_url(f"{site.url}/forms/{form_id}/thanks")
    context.close()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        found = queries.list_leads(uow, LeadsQuery()).items
        assert sorted(lead.times for lead in found) == [1, 2]


def test_without_scripts_the_page_says_what_is_missing(box, site, chromium, ana):
    with box.unit(ana.tenant_id) as uow:
        form_id = make_source(uow, kind="form", form={"keeps_programs_out": True}).id
    context = chromium.new_context(locale="pt-BR", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/forms/{form_id}")
    expect(page.locator(".form-card")).to_contain_text("precisa de JavaScript", use_inner_text=True)
    page.fill("#f-name", "Davi")
    page.fill("#f-email", "davi@loja.example")
    page.get_by_role("button", name="Enviar").click()
    expect(page.locator(".form-card")).to_contain_text("Não deu para ver que uma pessoa está enviando")
    expect(page.locator("#f-name")).to_have_value("Davi")
    context.close()
