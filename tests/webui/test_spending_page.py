"""What was spent in the browser, and Meta's rate card taken in."""

import pytest
from playwright.sync_api import expect

from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.tables import MessageCharge
from appliance.domains.channels.types import Charge
from appliance.domains.identity import queries as identity
from tests.webui.conftest import ANA

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
CARD = "Market,Currency,Marketing,Utility,Authentication,Authentication-International,Service\nBrazil,BRL,0.5,0.05,0.05,n/a,n/a\n"


@pytest.fixture
def page(box, ana, new_context):
    """Ten messages of marketing today, four of them told; a reply whose price nobody knows."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        secrets = {"access_token": "a", "app_secret": "b", "verify_token": "c"}
        given = ChannelIn(kind="whatsapp_cloud", name="Loja", external_id="99", secrets=secrets)
        desk = channels.create_channel(uow, given).id
        today = uow.now.astimezone(identity.get_zone(uow)).date()  # the organisation's, which the page counts by
        for number in range(11):
            said = {"charge": Charge.SERVICE, "country": "PT"} if number == 10 else {"charge": Charge.MARKETING, "country": "BR"}
            uow.session.add(MessageCharge(
                id=new_id(), tenant_id=ana.tenant_id, message_id=new_id(), channel_id=desk, day=today, is_billable=True,
                is_told=number < 4, **said,
            ))  # fmt: skip
    return new_context(ana, viewport={"width": 1280, "height": 900}).new_page()


def test_what_was_spent_is_shown_and_a_rate_card_changes_it_from_its_day_on(page, ana):
    page.goto("/templates/spending")
    page.locator(".kpi", has_text="Custo").get_by_text("US$ 0,625").wait_for()
    expect(page.locator(".kpi", has_text="Informado pela Meta").locator(".value")).to_have_text("4")
    page.get_by_text("1 mensagem não tem preço conhecido").wait_for()
    with page.expect_download() as file:
        page.get_by_role("link", name="Como arquivo").click()
    assert file.value.path().read_text().splitlines()[0].startswith("day,channel,charge")
    page.get_by_role("link", name="Preços").click()
    page.get_by_label("Valem a partir de").fill("2026-01-01")
    lines = page.get_by_label("Linhas do arquivo")
    lines.fill(CARD.replace("0.5,", "muito,"))
    page.get_by_role("button", name="Receber estes preços").click()
    page.get_by_text("Linha 2:").wait_for()
    lines.fill(CARD)
    page.get_by_role("button", name="Receber estes preços").click()
    page.get_by_text("3 preços foram recebidos").wait_for()
    page.goto("/templates/spending")
    page.locator(".kpi", has_text="Custo").get_by_text("R$ 5,00").wait_for()
