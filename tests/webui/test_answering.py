"""One message is answered: quoted above the text, or with a reaction; and what customers send beside words is seen as what it is."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as numbers
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.types import Incoming, MessageKind, Person
from tests.webui.conftest import ANA
from tests.webui.looking import look
from tests.webui.watch import Watch, open_listening

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
NUMBER = "5531999990001"
BIA = Person((Identity(IdentityKind.WHATSAPP, NUMBER),), "Bia")
QUESTION = "Boa tarde! Vocês têm o inversor de 5 kW?\nPreciso para sexta."


@pytest.fixture
def number(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id


@pytest.fixture
def comes(box, ana, number):
    def come(provider_id, kind=MessageKind.TEXT, *, to=None, late=0, **content):
        with box.unit(ana.tenant_id) as uow:
            said = Incoming(provider_id, kind, content, uow.now + timedelta(seconds=late), to)
            receive_changes(uow, numbers.get_channel(uow, number), [Change((Spoken(BIA, NUMBER, (said,)),))])
            return queries.get_thread(uow, number, NUMBER)

    return come


@pytest.fixture
def talk(box, ana, comes):
    """Bia asked, Ana answered, and it left."""
    found = comes("m1", text=QUESTION)
    with box.unit(ana.tenant_id) as uow:
        sent = actions.reply(uow, found, user_id=ana.user_id, content={"text": "Temos sim, 12 em estoque."})
        actions.begin_sending(uow, sent.id)
        actions.confirm_sent(uow, sent.id, "p1")
    return found


@pytest.fixture
def page(ana, site, new_context, talk):
    opened = new_context(ana, viewport={"width": 1440, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    open_listening(opened, f"/inbox/{talk}")
    yield opened
    assert opened.watch.complaints == []


def message(page, text):
    return page.locator(".msg", has_text=text).last


def menu_of(page, text):
    message(page, text).hover()
    message(page, text).get_by_role("button", name="Responder ou reagir").click()
    return page.locator("#message-menu")


def newest(box, ana, talk):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return queries.list_messages(uow, talk)[-1]


def test_a_reaction_is_a_mark_at_its_message_changes_and_goes(page, comes):
    mark = message(page, "12 em estoque").locator(".react")
    comes("r1", MessageKind.REACTION, to="p1", emoji="👍", message_id="p1")
    expect(mark).to_have_text("👍")
    expect(mark).to_have_attribute("aria-label", "Bia: 👍")
    comes("r2", MessageKind.REACTION, to="p1", late=1, emoji="❤️", message_id="p1")
    expect(mark).to_have_text("❤️")
    look(page, "reacted")
    comes("r3", MessageKind.REACTION, to="p1", late=2, emoji="", message_id="p1")
    expect(mark).to_have_count(0)
    expect(page.locator(".msg")).to_have_count(2)
    comes("r4", MessageKind.REACTION, to="gone", late=3, emoji="😮", message_id="gone")
    expect(page.locator(".event")).to_contain_text("Bia reagiu com 😮 a uma mensagem que não está aqui")
    expect(page.locator("[data-list] .conv-s")).to_contain_text("12 em estoque")
    expect(page.locator("[data-list] .unread")).to_have_count(0)


def test_one_reacts_from_the_menu_and_takes_it_back(page, box, ana, talk):
    menu_of(page, "inversor de 5 kW").get_by_role("button", name="👍").click()
    mark = message(page, "inversor de 5 kW").locator(".react")
    expect(mark).to_have_class(re.compile("is-pending"))
    made = newest(box, ana, talk)
    assert (made.kind, made.content) == (MessageKind.REACTION, {"emoji": "👍", "message_id": "m1"})
    with box.unit(ana.tenant_id) as uow:
        actions.begin_sending(uow, made.id)
        actions.mark_failed(uow, made.id, code="refused", error="O WhatsApp recusou.")
    again = message(page, "inversor de 5 kW").locator(".reacts").get_by_role("button", name="Tentar de novo")
    look(page, "reaction-failed")
    again.click()
    expect(again).to_have_count(0)
    with box.unit(ana.tenant_id) as uow:
        actions.begin_sending(uow, made.id)
        actions.confirm_sent(uow, made.id, "p2")
    expect(mark).not_to_have_class(re.compile("is-pending"))
    menu = menu_of(page, "inversor de 5 kW")
    expect(menu.get_by_role("button", name="👍")).to_have_attribute("aria-pressed", "true")
    look(page, "reacting")
    menu.get_by_role("button", name="👍").click()
    expect(mark).to_have_count(0)
    assert newest(box, ana, talk).content["emoji"] == ""


def test_a_message_is_quoted_and_the_quote_leads_to_it(page, box, ana, talk):
    menu_of(page, "inversor de 5 kW").get_by_role("button", name="Responder a esta mensagem").click()
    quoting = page.locator("[data-quoting]")
    expect(quoting).to_contain_text("Boa tarde! Vocês têm o inversor de 5 kW?")
    expect(quoting).not_to_contain_text("sexta")
    expect(page.locator("#compose-text")).to_be_focused()
    look(page, "quoting")
    page.reload()
    expect(quoting).to_contain_text("Bia")
    page.locator("#compose-text").fill("Esse mesmo, entregamos na quinta.")
    page.keyboard.press("Enter")
    expect(quoting).to_be_empty()
    quote = message(page, "entregamos na quinta").locator("a.quoted")
    expect(quote).to_contain_text("Boa tarde!")
    sent = newest(box, ana, talk)
    with box.unit(ana.tenant_id, read_only=True) as uow:
        assert sent.reply_to_id == queries.list_messages(uow, talk)[0].id
    look(page, "quoted")
    quote.click()
    expect(page.locator(".msg.is-found")).to_contain_text("Preciso para sexta")


def test_a_key_quotes_the_last_word_of_the_customer_and_esc_drops_it(page):
    page.keyboard.press("q")
    quoting = page.locator("[data-quoting]")
    expect(quoting).to_contain_text("Boa tarde!")
    page.locator("#compose-text").fill("Um momento")
    page.keyboard.press("Escape")
    expect(quoting).to_be_empty()
    expect(page.locator("#compose-text")).to_have_value("Um momento")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#shortcut-sheet")).to_contain_text("Responder a uma mensagem")


def test_a_quote_stays_with_what_could_not_be_sent(page, box, ana, talk):
    page.context.route("**/reply", lambda route: route.abort())
    page.keyboard.press("q")
    expect(page.locator("[data-quoting]")).to_contain_text("Boa tarde!")
    page.locator("#compose-text").fill("Temos na cor preta.")
    page.keyboard.press("Enter")
    again = page.get_by_role("button", name="Tentar de novo")
    expect(again).to_be_visible()
    expect(message(page, "Temos na cor preta").locator(".quoted")).to_contain_text("Boa tarde!")
    page.context.unroute("**/reply")
    page.reload()
    page.watch.complaints.clear()  # the browser's own words for requests that broke off
    expect(message(page, "Temos na cor preta").locator("a.quoted")).to_contain_text("Boa tarde!")
    assert newest(box, ana, talk).reply_to_id is not None


def test_what_a_customer_quotes_stands_above_or_is_said_to_be_missing(page, comes):
    comes("m2", to="p1", text="Quero dois!")
    expect(message(page, "Quero dois!").locator("a.quoted")).to_contain_text("Temos sim, 12 em estoque.")
    comes("m3", to="long-ago", text="E esse aqui?")
    expect(message(page, "E esse aqui?").locator(".quoted")).to_have_text("Uma mensagem que não está aqui")


def test_a_card_and_a_place_show_what_they_say(page, comes):
    phones = [{"phone": "+55 31 98888-7777", "wa_id": "5531988887777"}, {"phone": "ramal 12"}]
    card = {"name": {"formatted_name": "Caio Elétrica"}, "phones": phones}
    comes("m4", MessageKind.CONTACT, contacts=[card, "?", {"name": None, "phones": "x"}])
    shown = page.locator(".shared")
    expect(shown.first).to_contain_text("Caio Elétrica")
    expect(shown.first.get_by_role("link")).to_have_text("+55 31 98888-7777")
    expect(shown.first).to_contain_text("ramal 12")
    expect(shown.first.get_by_role("link")).to_have_attribute("href", "tel:+5531988887777")
    expect(shown.nth(1)).to_contain_text("Sem nome")
    comes("m5", MessageKind.LOCATION, location={"latitude": -19.92, "longitude": -43.94, "name": "Obra", "address": "Rua das Flores, 10"})
    expect(shown.last).to_contain_text("Rua das Flores, 10")
    expect(shown.last).to_contain_text("-19.92, -43.94")
    expect(page.locator("[data-log]")).not_to_contain_text("ainda não mostra")
    look(page, "shared")


def test_where_the_channel_carries_neither_nothing_is_offered(ana, box, new_context):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        found = channels.receive_simulated(uow, phone, visitor="bia", name="Bia", text="oi")
    page = new_context(ana).new_page()
    page.goto(f"/inbox/{found}")
    expect(page.locator(".msg.in")).to_have_count(1)
    expect(page.get_by_role("button", name="Responder ou reagir")).to_have_count(0)
    expect(page.locator("#message-menu")).to_have_count(0)
