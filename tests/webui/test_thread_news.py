"""The open conversation: news of a message that comes quickly or out of turn leaves it as it is now."""

import re

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as channel_queries
from appliance.domains.channels.schemas import ChannelIn
from tests.webui.conftest import ANA
from tests.webui.visitor import until

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]

SAY = """([message, conversation, times]) => {
  const detail = { conversation_id: conversation, message_id: message };
  for (let i = 0; i < times; i += 1) document.dispatchEvent(new CustomEvent('live:message_status.changed', { detail }));
}"""


@pytest.fixture
def conversation_id(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with box.unit(ana.tenant_id) as uow:
        return channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="oi")


@pytest.fixture
def page(ana, conversation_id, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.goto(f"/inbox/{conversation_id}")
    opened.locator("[data-message]").wait_for()
    return opened


def answer_with(page, words, *, turned=False):
    """Asked for the message, the box says one of these after another; turned: the first only after the last."""
    waiting = []

    def answer(route):
        waiting.append(route)
        if len(waiting) == len(words):
            for number in reversed(range(len(words))) if turned else range(len(words)):
                message = waiting[number].request.url.rpartition("/")[2]
                body = f'<article data-message="{message}" data-number="1">{words[number]}</article>'
                waiting[number].fulfill(content_type="text/html", body=body)

    page.route("**/inbox/messages/*", answer)


@pytest.mark.parametrize("turned", [False, True])
def test_the_newest_state_of_a_message_stays(page, conversation_id, turned):
    answer_with(page, ["na fila", "enviada", "entregue"], turned=turned)
    message = page.locator("[data-message]").get_attribute("data-message")
    page.evaluate(SAY, [message, str(conversation_id), 3])
    page.locator("[data-message]", has_text="entregue").wait_for()
    page.wait_for_timeout(200)
    expect(page.locator("[data-message]")).to_have_text("entregue")


def test_news_of_a_message_that_is_still_on_its_way_is_not_lost(page, conversation_id):
    held = []

    def hold(route):
        held.append(route)

    page.route("**/messages?after=*", hold)
    page.evaluate(
        "id => document.dispatchEvent(new CustomEvent('live:message.queued', { detail: { conversation_id: id } }))", str(conversation_id)
    )
    until(page, lambda: held)
    answer_with(page, ["entregue"])
    page.evaluate(SAY, ["nova", str(conversation_id), 1])
    held[0].fulfill(content_type="text/html", body='<article data-message="nova" data-number="9">na fila</article>')
    page.locator("[data-message=nova]", has_text="entregue").wait_for()


@pytest.fixture
def other_id(box, ana, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        phone = channel_queries.list_channels(uow)[0].id
        return channels.receive_simulated(uow, phone, visitor="leo", name="Leonardo Alves", text="bom dia")


def opens(page, conversation_id):
    """Asked for by a click on the list, and held until `fulfill`: what the box answered as it stood then."""
    held = []

    def hold(route):
        held.append((route, route.fetch()))

    page.route(f"**/inbox/{conversation_id}/panes", hold)
    page.locator(f"[data-conversation='{conversation_id}']").click()
    until(page, lambda: held)
    return lambda: held[0][0].fulfill(response=held[0][1])


def test_what_happens_to_a_conversation_while_it_is_being_opened_is_not_lost(page, other_id):
    page.reload()
    arrives = opens(page, other_id)
    answer_with(page, ["entregue"])
    with page.expect_response(f"**/inbox/{other_id}/panes"):
        message = re.search(r'data-message="([\w-]+)"', page.request.get(f"/inbox/{other_id}/messages?after=0").text())[1]
        page.evaluate(SAY, [message, str(other_id), 1])
        arrives()
    page.locator(f"[data-message='{message}']", has_text="entregue").wait_for()


def test_of_two_conversations_the_one_that_was_chosen_last_stays(page, conversation_id, other_id):
    page.reload()
    arrives = opens(page, other_id)
    with page.expect_response(f"**/inbox/{conversation_id}/panes"):
        page.locator(f"[data-conversation='{conversation_id}']").click()
    expect(page.locator("[data-panes]")).not_to_have_attribute("aria-busy", "true")
    with page.expect_response(f"**/inbox/{other_id}/panes"):
        arrives()
    page.evaluate("fetch(location.href).then((answer) => answer.text())")  # by then the late answer was dealt with
    expect(page.locator(f"[data-thread='{conversation_id}']")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/inbox/{conversation_id}$"))
