"""A yes that waits, and the mail that was to ask for it and was not sent."""

import pytest
from playwright.sync_api import expect

from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.contacts import actions
from appliance.domains.contacts.schemas import ContactFields
from tests.factories.channels import make_mailbox
from tests.webui.looking import look

pytestmark = [pytest.mark.browser, pytest.mark.only_database("sqlite")]


@pytest.fixture
def mailbox(box, ana):
    with box.unit(ana.tenant_id) as uow:
        return make_mailbox(uow)


@pytest.fixture
def switch(box, ana, mailbox):
    def switch(*, on):
        with box.unit(ana.tenant_id) as uow:
            channels.change_channel(uow, mailbox, ChannelPatch(active=on))

    return switch


@pytest.fixture
def contact_id(box, ana, mailbox):
    with box.unit(ana.tenant_id) as uow:
        contact = actions.create_contact(uow, ContactFields(name="Davi", email="davi@loja.example"))
        actions.ask_confirmation(uow, contact.id, actions.Asking("davi@loja.example", mailbox, "lead: Site", "", {}))
        return contact.id


def test_a_mail_that_was_not_sent_says_why_and_is_tried_again_on_the_contact(new_context, ana, contact_id, switch, run_deliveries):
    page = new_context(ana).new_page()
    page.goto(f"/contacts/{contact_id}")
    card = page.locator("#consents")
    expect(card).to_contain_text("aguarda confirmação")
    switch(on=False)
    run_deliveries()
    expect(card).to_contain_text("não foi enviado. A caixa postal que faz a pergunta está desligada")
    look(page, "contact-unasked")
    card.get_by_role("button", name="Tentar de novo").click()
    expect(page.locator(".toast, .flash, [role=status], [role=alert]").filter(has_text="caixa postal").first).to_be_visible()
    expect(card).to_contain_text("não foi enviado")
    switch(on=True)
    card.get_by_role("button", name="Tentar de novo").click()
    expect(card).to_contain_text("aguarda confirmação")
    expect(card.get_by_role("button", name="Tentar de novo")).to_have_count(0)
