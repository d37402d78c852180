"""How a chat is made: its form, its look while it is filled in, and the line for the site."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from appliance.core.uow import Actor
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.tables import Channel
from tests.webui.sending import send
from webui.chat import views as chat_views

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def page(new_context, ana):
    chat_views.forget_all()
    return new_context(ana).new_page()


def channels_of(box, ana):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return uow.session.scalars(select(Channel)).all()


def test_a_chat_is_made_seen_while_it_is_filled_in_and_tried_on_a_page(page, box, ana):
    page.goto("/channels/new")
    send(page.get_by_role("link", name="Chat do site"))
    page.get_by_label("Nome dentro da empresa").fill("Site")
    page.get_by_label("Título do chat").fill("Fale com a Solara")
    page.get_by_label("Saudação").fill("Oi! Como podemos ajudar?")
    page.get_by_label("Canto").select_option("left")
    look = page.locator("[data-look]")
    look.get_by_text("Fale com a Solara").wait_for()
    look.get_by_text("Oi! Como podemos ajudar?").wait_for()
    expect(look).to_have_attribute("data-side", "left")
    page.get_by_label("Sites que podem mostrá-lo").fill("www.solara.example/contato\n")
    send(page.get_by_role("button", name="Salvar"))
    [made] = channels_of(box, ana)
    assert made.config == {
        "title": "Fale com a Solara", "greeting": "Oi! Como podemos ajudar?", "colour": "#0b6b5d", "position": "left",
        "origins": ["https://www.solara.example"], "asks_name": False, "asks_email": False, "shows_sources": True, "offline": "",
    }
    expect(page.locator("#line")).to_contain_text(f"/chat/{made.external_id}.js")
    page.get_by_role("link", name="Testar em uma página").click()
    page.get_by_role("button", name="Abrir o chat").click()
    page.frame_locator("iframe").get_by_text("Oi! Como podemos ajudar?").wait_for()


def test_what_is_wrong_is_said_and_what_was_typed_stays(page, box, ana):
    page.goto("/channels/new?kind=webchat")
    page.get_by_label("Nome dentro da empresa").fill("Site")
    page.get_by_label("Título do chat").fill("Solara")
    page.get_by_label("Sites que podem mostrá-lo").fill("solara")  # no site: its ending is missing
    page.get_by_role("button", name="Salvar").click()
    page.locator("#f-origins-error", has_text="Informe um site como").wait_for()
    expect(page.get_by_label("Sites que podem mostrá-lo")).to_have_value(re.compile(r"^\s*solara\s*$"))
    assert channels_of(box, ana) == []


def test_a_chat_of_another_organisation_cannot_be_tried(page, box, new_tenant):
    with box.unit(new_tenant(), Actor("system")) as uow:
        other = actions.create_channel(uow, ChannelIn(kind="webchat", name="Outro", config={"title": "Outro"})).external_id
    assert page.goto(f"/chat/{other}/site").status == 404
