"""The country of phones and the words to leave, as a person sets them."""

import pytest
from playwright.sync_api import expect

from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ContactFields
from tests.webui.axe import violations

pytestmark = pytest.mark.only_database("sqlite")


@pytest.mark.browser
def test_words_and_country_are_kept_and_used(box, new_context, ana):
    page = new_context(ana).new_page()
    page.goto("/contacts")
    page.get_by_role("link", name="Preferências").click()
    page.get_by_text("Palavras que sempre valem").click()
    page.get_by_text("descadastrar", exact=False).wait_for()
    assert violations(page) == []
    page.get_by_label("País dos telefones").select_option("PT")
    page.get_by_label("Palavras suas para sair").fill("chega\n\n  tchau loja \n")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Salvo.").wait_for()
    expect(page.get_by_label("Palavras suas para sair")).to_have_value("chega\ntchau loja")
    with box.unit(ana.tenant_id) as uow:
        assert actions.create_contact(uow, ContactFields(name="Rui", phone="912 345 678")).phone_e164 == "+351912345678"
        assert queries.find_stop(uow, "Tchau, loja!") is not None


@pytest.mark.browser
def test_what_cannot_be_kept_is_told_and_stays_typed(new_context, ana):
    page = new_context(ana).new_page()
    page.goto("/contacts/preferences")
    page.get_by_label("Palavras suas para sair").fill("x" * 61)
    page.get_by_role("button", name="Salvar").click()
    page.locator("[aria-invalid=true]").wait_for()
    expect(page.get_by_label("Palavras suas para sair")).to_have_value("x" * 61)
