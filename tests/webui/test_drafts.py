"""What one has begun to write, in several windows: nothing newer is written over without a word."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import queries
from tests.webui.axe import violations
from tests.webui.conftest import ANA
from tests.webui.sending import draft_kept

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
KEPT = "**/drafts"


@pytest.fixture
def conversation_id(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with box.unit(ana.tenant_id) as uow:
        return channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="oi")


@pytest.fixture
def window(ana, conversation_id, new_context):
    """A further browser with the conversation open."""

    def opened(context=None):
        page = (context or new_context(ana, viewport={"width": 1280, "height": 900})).new_page()
        page.goto(f"/inbox/{conversation_id}")
        page.locator("html[data-ready]").wait_for(state="attached")
        return page

    return opened


@pytest.fixture
def kept(box, ana, conversation_id):
    def read():
        with box.unit(ana.tenant_id, read_only=True) as uow:
            return queries.drafts_of(uow, conversation_id, ana.user_id)["reply"]

    return read


def field(page):
    return page.get_by_label("Mensagem para Beatriz Nogueira")


def test_the_older_text_of_another_browser_is_not_written_over_the_newer_one_in_silence(window, kept):
    first, second = window(), window()
    with draft_kept(first, "Segue a proposta inteira, com as três parcelas."):
        field(first).fill("Segue a proposta inteira, com as três parcelas.")
    with draft_kept(second, "Segue", status=409):
        field(second).fill("Segue")
    told = second.get_by_role("status").filter(has_text="Outra janela tem outro texto")
    told.wait_for()
    assert violations(second) == []
    assert kept() == "Segue a proposta inteira, com as três parcelas."
    told.get_by_role("button", name="Mostrar").click()
    expect(field(second)).to_have_value("Segue a proposta inteira, com as três parcelas.")
    with draft_kept(second, "Segue"):
        told.get_by_role("button", name="Mostrar").click()  # and back
    expect(field(second)).to_have_value("Segue")
    assert kept() == "Segue"  # whoever was told decides


def test_a_window_one_comes_back_to_has_what_was_written_elsewhere(window):
    first, second = window(), window()
    with draft_kept(first, "escrito no outro"):
        field(first).fill("escrito no outro")
    second.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(field(second)).to_have_value("escrito no outro")


def test_a_page_older_than_the_draft_does_not_bring_the_old_one_back(window, kept):
    """The second tab was asked for before the first had kept its words."""
    first = window()
    with draft_kept(first, "antes"):
        field(first).fill("antes")
    page_of_then = first.request.get(first.url).text()
    with draft_kept(first, "antes e depois"):
        field(first).fill("antes e depois")
    late = first.context.new_page()
    late.route(first.url, lambda route: route.fulfill(body=page_of_then, content_type="text/html"))
    late.goto(first.url)
    expect(field(late)).to_have_value("antes e depois")
    expect(field(first)).to_have_value("antes e depois")
    assert kept() == "antes e depois"


def test_what_the_box_kept_without_being_able_to_say_so_is_no_other_text(window, kept):
    page = window()
    page.route(KEPT, lambda route: (route.fetch(), route.abort()), times=1)
    with page.expect_event("requestfailed"):
        field(page).fill("uma")
    with draft_kept(page, "uma vez"):
        field(page).fill("uma vez")
    expect(page.get_by_text("Outra janela tem outro texto")).to_have_count(0)
    assert kept() == "uma vez"
