"""The switch by which notices tell of their reader, and what the thread shows of what they told."""

import re

import pytest

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.conversations import actions
from appliance.domains.identity.types import SESSION_COOKIE
from tests.factories.channels import make_mailbox, make_simulator
from tests.webui.conftest import ANA

pytestmark = pytest.mark.only_database("sqlite")
KIT = "https://solara.example/kit?a=1&b=<2>"


@pytest.fixture
def home():
    return "https://caixa.solara.example"


@pytest.fixture
def settings(settings, home):
    return settings.model_copy(update={"server": settings.server.model_copy(update={"public_url": home})})


@pytest.fixture
def browser(site, ana):
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    return client


def switch_of(page):
    return re.search(r'<input type="checkbox" id="f-tracks"[^>]*>', page)[0]


def test_it_is_off_until_somebody_switches_it_on(browser, box, ana):
    with box.unit(ana.tenant_id) as uow:
        channel_id = make_mailbox(uow)
    page = browser.get(f"/channels/{channel_id}").text
    assert " checked" not in switch_of(page)
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    form = {"csrf_token": token, "name": "Vendas", "address": "v@solara.example", "imap_host": "m.solara.example",
            "smtp_host": "m.solara.example", "active": "1"}  # fmt: skip
    for given, kept in (({"tracks": "1"}, True), ({}, False)):
        assert browser.post(f"/channels/{channel_id}", data={**form, **given}).status_code == 302
        with box.unit(ana.tenant_id, read_only=True) as uow:
            assert queries.get_channel(uow, channel_id).config["tracks"] is kept


@pytest.mark.parametrize("home", ["http://10.0.0.1:8000"])
def test_a_box_that_nobody_can_call_says_why_it_cannot(browser, box, ana):
    with box.unit(ana.tenant_id) as uow:
        channel_id = make_mailbox(uow)
    page = browser.get(f"/channels/{channel_id}").text
    assert " disabled" in switch_of(page)
    assert "não tem um endereço HTTPS" in page


def test_the_thread_and_the_story_show_what_was_told(browser, box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        conversation_id = channels.receive_simulated(uow, make_simulator(uow), visitor="bia", name="Bia", text="Oi")
        read, fetched = (actions.reply(uow, conversation_id, user_id=ana.user_id, content={"text": text}).id for text in ("A", "B"))
        actions.note_opened(uow, read)
        actions.note_opened(uow, read)
        actions.note_followed(uow, read, KIT)
        actions.note_fetched(uow, fetched)
        contact_id = actions.mark_read(uow, conversation_id).contact_id
    thread = browser.get(f"/inbox/{conversation_id}/messages").text
    assert "Aberto 2 vezes · um endereço seguido" in thread
    assert "https://solara.example/kit?a=1&amp;b=&lt;2&gt; · uma vez" in thread
    assert thread.count("até onde se sabe, ninguém abriu") == 1
    story = browser.get(f"/contacts/{contact_id}").text
    assert "Abriu o e-mail: A" in story
    assert "Seguiu um endereço de um e-mail: https://solara.example" in story
