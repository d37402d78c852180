"""The head of a conversation: whose name it bears stays legible however much can be done."""

import os

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions
from tests import cast as people
from tests.webui.axe import ALL_RULES, violations
from tests.webui.conftest import ANA
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
SHOTS = os.environ.get("SALESEDGE_SHOTS", "")
WIDTHS = {1280: 12, 1440: 12, 390: 8}  # pixels of the window: how many em of the name are seen
ROOM_LEFT = """head => {
  const right = Math.max(...[...head.querySelectorAll(":scope > .btn")].map((button) => button.getBoundingClientRect().right));
  return Math.round(head.getBoundingClientRect().right - parseFloat(getComputedStyle(head).paddingRight) - right);
}"""
NAME_WIDTH_EM = "name => name.getBoundingClientRect().width / parseFloat(getComputedStyle(name).fontSize)"


@pytest.fixture
def talk(box, ana):
    """Held by a colleague, the AI paused and the customer's turn: nothing else has as many buttons."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        agent = agents.create_agent(uow, AgentIn(name="Lia"), publish_now=True).id
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão", agent_id=agent)).id
        found = channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira de Alencar Moura", text="oi")
    with box.unit(ana.tenant_id) as uow:
        actions.take_over(uow, found, user_id=people.with_role(box, ana.tenant_id, "agent").user_id)
        actions.set_pending(uow, found)
    return found


@pytest.fixture
def page(ana, site, new_context, talk):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    with opened.expect_response("**/events"):
        opened.goto(f"/inbox/{talk}")
    return opened


def more(page):
    return page.locator("#more-menu")


def shoot(page, name):
    if SHOTS:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{SHOTS}/{name}-{scheme}.png")
        page.emulate_media(color_scheme="light")


def test_the_name_keeps_its_room_beside_the_buttons(page):
    for width, wanted in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator(".in-head h2").evaluate(NAME_WIDTH_EM) >= wanted, width
        assert page.locator(".in-head").evaluate(ROOM_LEFT) >= 0, f"a button is pushed out at {width}"
        page.get_by_role("button", name="Mais ações").click()
        more(page).get_by_role("button", name="Assumir").wait_for()
        assert violations(page, ALL_RULES) == []
        shoot(page, f"more-{width}")
        page.keyboard.press("Escape")
        more(page).wait_for(state="hidden")
        page.keyboard.press("s")
        page.get_by_role("button", name="Amanhã de manhã").wait_for()
        shoot(page, f"aside-{width}")
        page.keyboard.press("Escape")
    assert page.watch.complaints == []


def test_what_is_rare_is_done_from_the_menu_or_by_its_key(page):
    page.get_by_role("button", name="Mais ações").click()
    more(page).get_by_role("button", name="Resumir a conversa").click()
    page.locator("[data-brief]").get_by_role("button").first.wait_for()
    expect(more(page)).to_be_hidden()
    page.keyboard.press("u")
    page.locator("[data-brief]").wait_for(state="hidden")
    page.get_by_role("button", name="Mais ações").click()
    more(page).get_by_role("button", name="Assumir").click()
    page.get_by_text("A conversa é sua").wait_for()
    more(page).locator("[data-act=take-over]").wait_for(state="detached")
    page.get_by_role("button", name="Mais ações").click()
    more(page).get_by_role("button", name="Devolver à IA").wait_for()


def test_a_button_held_down_while_a_colleague_does_something_is_still_pressed(page, box, ana, talk):
    button = page.get_by_role("button", name="Mais ações")
    button.hover()
    page.mouse.down()
    with page.expect_response(f"**/inbox/{talk}/state") as answer, box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        actions.resolve(uow, talk)
    answer.value.finished()
    page.evaluate("() => new Promise(requestAnimationFrame)")  # it has come and was looked at
    page.mouse.up()
    more(page).get_by_role("button", name="Resumir a conversa").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Reabrir").wait_for()
