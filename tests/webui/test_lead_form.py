"""The form on the box's own page, as somebody fills it in."""

import re

import pytest
from playwright.sync_api import expect

from appliance.domains.leads.schemas import FormSettings
from appliance.domains.leads.types import FormField
from tests.factories.leads import make_source
from webui.crm.forms import either, hinted, needed

NAME, EMAIL, PHONE = FormField.NAME, FormField.EMAIL, FormField.PHONE


@pytest.mark.only_database("sqlite")
def test_a_form_that_is_refused_comes_back_with_all_that_was_typed(app, box, tenant_id, somebody, browser_headers):
    with box.unit(tenant_id) as uow:
        form_id = make_source(uow, kind="form", form={"consent_text": "Aceito ofertas."}).id
    somebody.principal, visitor = None, app.test_client()
    page = visitor.get(f"/forms/{form_id}?utm_source=insta", headers=browser_headers).text
    assert page.count("Basta um e-mail ou um telefone.") == 1
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    typed = {"name": "Davi <b>", "message": "Quero um\norçamento", "consent": "yes"}
    back = visitor.post(f"/forms/{form_id}", data=hidden | typed)
    assert back.status_code == 307  # the browser sends the same again, there
    again = visitor.post(back.headers["Location"], data=hidden | typed, headers=browser_headers)
    assert again.status_code == 422
    for kept in ('value="Davi &lt;b&gt;"', "Quero um\norçamento</textarea>", 'value="yes" checked', 'name="utm_source" value="insta"'):
        assert kept in again.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', again.text))
    sent = visitor.post(f"/forms/{form_id}", data=hidden | typed | {"phone": "11 98000-1234"})
    assert sent.headers["Location"] == f"/forms/{form_id}/thanks"


@pytest.mark.parametrize(
    ("fields", "must", "one_of"),
    [
        ([NAME, EMAIL, PHONE], {NAME}, {EMAIL, PHONE}),
        ([EMAIL, PHONE], {EMAIL}, set()),
        ([NAME, PHONE], {NAME, PHONE}, set()),
        ([NAME], {NAME}, set()),
    ],
)
def test_a_form_asks_for_one_way_to_answer(fields, must, one_of):
    form = FormSettings(fields=fields)
    assert (needed(form), either(form)) == (must, one_of)
    assert hinted(form) == (EMAIL if one_of else None)


@pytest.mark.only_database("sqlite")
@pytest.mark.browser
def test_back_from_the_thanks_opens_the_form_again_also_when_it_was_refused_at_first(box, ana, site, chromium):
    with box.unit(ana.tenant_id) as uow:
        form_id = make_source(uow, kind="form", form={}).id
    page = chromium.new_context(locale="pt-BR").new_page()
    page.goto(f"{site.url}/forms/{form_id}?utm_source=insta")
    page.fill("#f-name", "Davi Rocha")
    page.get_by_role("button", name="Enviar").click()
    page.get_by_text("Diga como falar com você").wait_for()
    page.fill("#f-phone", "11 98000-1234")
    page.get_by_role("button", name="Enviar").click()
    page.wait_for_url("**/thanks")
    page.go_back()
    page.locator("#f-name").wait_for()
    expect(page).to_have_url(f"{site.url}/forms/{form_id}?utm_source=insta")
    page.context.close()
