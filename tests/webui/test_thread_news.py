"""The open conversation: news of a message that comes quickly or out of turn leaves it as it is now."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
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
