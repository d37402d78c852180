"""The chat on somebody else's page, in a real browser: another origin with a policy of its own, and the box in a frame."""

import gzip
from uuid import UUID

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries
from appliance.domains.conversations.types import MessageKind, MessageStatus
from tests.peers.strict_site import StrictSite
from tests.webui.axe import violations
from tests.webui.visitor import Visitor, until
from tests.webui.watch import open_listening
from webui.chat import views as chat_views

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
CONFIG = {"title": "Solara", "greeting": "Oi! Como podemos ajudar?", "asks_name": True, "asks_email": True}
LIMIT_KB = 12


class Desk:
    """The company's side."""

    def __init__(self, box, ana, run_deliveries):
        self.box, self.ana, self._run = box, ana, run_deliveries

    def unit(self, **more):
        return self.box.unit(self.ana.tenant_id, Actor("user", self.ana.user_id, "Ana"), **more)

    def inbox(self):
        with self.unit(read_only=True) as uow:
            rows = queries.list_conversations(uow, queries.InboxFilter(), PageQuery()).items
            return [(row, queries.list_messages(uow, row.id)) for row in rows]

    def reply(self, text, **more):
        with self.unit() as uow:
            content = {"text": text, **more.pop("content", {})}
            conversations.reply(uow, self.inbox()[0][0].id, user_id=self.ana.user_id, content=content, **more)
        self.run()

    def run(self):
        self._run()


@pytest.fixture
def desk(box, ana, run_deliveries):
    chat_views.forget_all()
    return Desk(box, ana, run_deliveries)


@pytest.fixture
def channel(desk):
    with desk.unit() as uow:
        agent = agents.create_agent(uow, AgentIn(name="Lia", settings=AgentSettings(debounce_ms=0, greeting="Bom dia!")), publish_now=True)
        return channels.create_channel(uow, ChannelIn(kind="webchat", name="Site", agent_id=agent.id, config=CONFIG))


@pytest.fixture
def shop(site, channel, desk):
    with StrictSite(box=site.url, key=channel.external_id) as shop:
        with desk.unit() as uow:
            channels.change_channel(uow, channel.id, ChannelPatch(active=True, agent_id=channel.agent_id, config={"origins": [shop.url]}))
        yield shop


@pytest.fixture
def visitor(new_context, shop):
    return Visitor(new_context(), shop)


def test_a_visitor_is_answered_by_the_agent_then_by_a_person_and_nobody_breaks_a_policy(visitor, desk):
    visitor.open()
    visitor.frame.get_by_role("textbox", name="Seu nome").fill("Bia")
    visitor.say("bom dia")
    desk.run()
    visitor.theirs("Bom dia!").wait_for()
    visitor.frame.get_by_text("Assistente virtual").first.wait_for()
    [(conversation, _messages)] = desk.inbox()
    with desk.unit() as uow:
        conversations.take_over(uow, conversation.id, user_id=desk.ana.user_id)
    visitor.frame.get_by_text("Você está falando com a equipe").wait_for()
    desk.reply("Aqui é a Ana, da Solara.")
    visitor.theirs("Aqui é a Ana").wait_for()
    assert visitor.complaints == []


def test_each_side_sees_that_the_other_writes(visitor, desk, ana, new_context):
    visitor.open()
    with visitor.page.expect_response("**/chat/*/events"):
        visitor.say("oi")
    page = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    open_listening(page, f"/inbox/{desk.inbox()[0][0].id}")
    box = visitor.frame.get_by_role("textbox", name="Sua mensagem")
    said = page.locator("[data-writing]", has_text="está escrevendo")
    until(visitor.page, lambda: (box.press_sequentially("e"), said.is_visible())[1])  # it stands for seconds
    box.fill("")
    page.locator("[data-writing]").wait_for(state="hidden")
    page.get_by_label("Mensagem para").press_sequentially("o")
    dots = visitor.frame.locator("[data-typing]")
    dots.wait_for()
    desk.reply("Olá!")
    dots.wait_for(state="hidden")
    assert visitor.complaints == []


def test_what_is_read_is_known_to_the_team(visitor, desk):
    visitor.open()
    visitor.say("oi")
    desk.reply("Olá!")
    visitor.theirs("Olá!").wait_for()
    until(visitor.page, lambda: desk.inbox()[0][1][-1].status is MessageStatus.READ)


def test_a_closed_chat_counts_what_is_unread_and_a_visitor_who_comes_back_has_it_all(visitor, desk):
    visitor.open()
    visitor.say("oi")
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("button", name="Abrir o chat").wait_for()
    expect(visitor.page.locator("salesedge-chat:focus")).to_have_count(1)
    desk.reply("Já vejo.")
    visitor.page.get_by_role("button", name="Abrir o chat (não lidas: 1)").wait_for()
    assert desk.inbox()[0][1][-1].status in {MessageStatus.SENT, MessageStatus.DELIVERED}
    visitor.page.reload()
    visitor.page.get_by_role("button", name="Abrir o chat (não lidas: 1)").wait_for()
    visitor.open()
    visitor.theirs("Já vejo.").wait_for()
    visitor.mine("oi").wait_for()
    assert len(desk.inbox()) == 1


def test_what_is_written_without_a_connection_is_sent_once_when_it_is_back(visitor, desk):
    visitor.open()
    visitor.say("oi")
    context = visitor.page.context
    context.set_offline(True)
    visitor.frame.get_by_role("textbox", name="Sua mensagem").fill("ainda aí?")
    visitor.page.keyboard.press("Enter")
    visitor.mine("ainda aí?").wait_for()
    visitor.frame.get_by_text("Sem conexão").wait_for()
    visitor.frame.get_by_role("textbox", name="Sua mensagem").fill("alô")
    visitor.page.keyboard.press("Enter")
    visitor.mine("alô").wait_for()
    context.set_offline(False)
    visitor.mine("ainda aí?").locator("time").wait_for()
    visitor.mine("alô").locator("time").wait_for()
    visitor.frame.get_by_text("Sem conexão").wait_for(state="hidden")
    assert [row.content["text"] for row in desk.inbox()[0][1]] == ["oi", "ainda aí?", "alô"]


def test_an_answer_lost_on_its_way_makes_no_second_message(visitor, desk):
    visitor.open()
    visitor.say("oi")
    lost = []

    def lose(route):
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.fetch())  # the box has it
        route.abort()

    visitor.page.route("**/messages", lose)
    visitor.frame.get_by_role("textbox", name="Sua mensagem").fill("uma vez")
    visitor.page.keyboard.press("Enter")
    visitor.mine("uma vez").locator("time").wait_for()
    assert (len(lost), [row.content["text"] for row in desk.inbox()[0][1]]) == (1, ["oi", "uma vez"])
    expect(visitor.mine("uma vez")).to_have_count(1)


def test_markup_stays_text_on_both_sides(visitor, desk):
    visitor.open()
    evil = "<img src=x onerror=\"document.title='X'\"><script>document.title='X'</script>"
    visitor.say(evil)
    desk.reply(f"{evil} veja https://solara.example/a?b=1, ok?")
    visitor.theirs("onerror").wait_for()
    expect(visitor.theirs("onerror").get_by_role("link")).to_have_attribute("href", "https://solara.example/a?b=1")
    expect(visitor.frame.locator(".msg img, .msg script")).to_have_count(0)
    expect(visitor.page).to_have_title("Loja")
    assert visitor.complaints == []


def test_the_field_grows_with_what_is_written_and_scrolls_only_once_it_is_full(visitor):
    field = visitor.open().frame.get_by_role("textbox", name="Sua mensagem")
    for text, scrolls in (("", False), ("uma linha", False), ("linha\n" * 3, False), ("linha\n" * 20, True), ("", False)):
        field.fill(text)
        said = field.evaluate("it => [it.scrollHeight > it.clientHeight, getComputedStyle(it).overflowY === 'auto']")
        assert said == [scrolls, scrolls], text


def test_buttons_answer_and_files_go_both_ways(visitor, desk):
    visitor.open()
    visitor.say("oi")
    desk.reply("Qual?", kind=MessageKind.BUTTONS, content={"buttons": [{"id": "a", "title": "Casa"}, {"id": "b", "title": "Loja"}]})
    visitor.frame.get_by_role("button", name="Loja").click()
    visitor.mine("Loja").locator("time").wait_for()
    assert desk.inbox()[0][1][-1].content["choice"] == {"id": "b", "title": "Loja"}
    visitor.frame.locator("input[type=file]").set_input_files({"name": "conta.txt", "mimeType": "text/plain", "buffer": b"R$ 1"})
    chip = visitor.frame.get_by_role("button", name="Baixar conta.txt")
    until(visitor.page, chip.is_enabled)
    with visitor.page.expect_download() as download:
        chip.click()
    assert download.value.suggested_filename == "conta.txt"
    visitor.frame.locator("input[type=file]").set_input_files({"name": "g.bin", "mimeType": "", "buffer": b"x" * (4 * 2**20 + 1)})
    visitor.frame.get_by_text("O arquivo passa de 4 MB.").wait_for()


def test_a_file_that_is_refused_can_be_discarded_and_does_not_come_back(visitor, desk):
    visitor.open()
    visitor.say("oi")
    refusal = {"status": 422, "content_type": "application/problem+json", "body": '{"detail": "Assim não."}'}
    visitor.page.route("**/files/*", lambda route: route.fulfill(**refusal))
    visitor.frame.locator("input[type=file]").set_input_files({"name": "conta.txt", "mimeType": "text/plain", "buffer": b"R$ 1"})
    refused = visitor.mine("conta.txt")
    expect(refused).to_contain_text("Assim não.")
    expect(refused.get_by_role("button", name="Tentar de novo")).to_be_visible()
    refused.get_by_role("button", name="Descartar").click()
    expect(refused).to_have_count(0)
    expect(visitor.frame.get_by_role("textbox", name="Sua mensagem")).to_be_focused()
    visitor.say("deixa")
    expect(refused).to_have_count(0)


def test_a_site_that_is_not_named_cannot_show_the_chat(new_context, site, channel, desk):
    with StrictSite(box=site.url, key=channel.external_id) as stranger:
        visitor = Visitor(new_context(), stranger)
        visitor.button.click()
        until(visitor.page, lambda: any("frame-ancestors" in said for said in visitor.complaints))
        expect(visitor.frame.get_by_role("textbox", name="Sua mensagem")).to_have_count(0)


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_the_chat_is_for_everybody(new_context, site, channel, desk, language):
    page = new_context(locale=language).new_page()
    page.goto(f"/chat/{channel.external_id}")
    page.locator("textarea").fill("oi")
    page.keyboard.press("Enter")
    page.locator(".msg.out time").wait_for()
    desk.reply("Qual?", kind=MessageKind.BUTTONS, content={"buttons": [{"id": "a", "title": "Casa"}]})
    page.locator(".msg .wc-choices").wait_for()
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert violations(page) == [], f"{language} {theme} {width}"


def test_the_button_on_a_site_is_for_everybody(visitor):
    visitor.open()
    assert violations(visitor.page) == []


def test_the_script_is_small_and_says_nothing_while_a_chat_is_closed(app, desk, channel):
    client = app.test_client()
    address = f"/chat/{channel.external_id}.js"
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Cross-Origin-Resource-Policy"]) == (200, "cross-origin")
    assert len(gzip.compress(answer.data)) < LIMIT_KB * 1024
    assert "Set-Cookie" not in answer.headers
    with desk.unit() as uow:
        channels.change_channel(uow, channel.id, ChannelPatch(active=False))
    chat_views.forget_all()
    assert b"iframe" not in client.get(address).data
    with desk.unit() as uow:
        channels.change_channel(uow, channel.id, ChannelPatch(active=False, config={"offline": "Voltamos na segunda."}))
    chat_views.forget_all()
    assert b"iframe" in client.get(address).data
    assert "Voltamos na segunda." in client.get(f"/chat/{channel.external_id}").text
    assert client.get(f"/chat/{UUID(int=0).hex}.js").status_code == 404


def test_only_pages_that_name_their_sites_may_be_framed(app, desk, channel):
    client = app.test_client()
    chat = client.get(f"/chat/{channel.external_id}", headers={"Accept": "text/html"})
    assert "frame-ancestors 'self'" in chat.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in chat.headers
    assert "Set-Cookie" not in chat.headers
    assert client.get("/login", headers={"Accept": "text/html"}).headers["X-Frame-Options"] == "DENY"
