"""The composer: what it takes, keeps and refuses."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import queries
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import Direction
from tests.webui.conftest import ANA
from tests.webui.sending import draft_kept

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def conversation_id(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with box.unit(ana.tenant_id) as uow:
        return channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="oi")


@pytest.fixture
def closed(box, ana, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        past = {"window_hours": 24, "last_inbound_at": uow.now - timedelta(hours=25)}
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**past))


@pytest.fixture
def says(box, ana, conversation_id):
    def say(text):
        with box.unit(ana.tenant_id) as uow:
            channel_id = queries.get_conversation(uow, conversation_id).channel_id
            channels.receive_simulated(uow, channel_id, visitor="bia", name="Beatriz Nogueira", text=text)

    return say


@pytest.fixture
def page(ana, conversation_id, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.conversation = f"/inbox/{conversation_id}"
    return opened


def field(page):
    return page.get_by_label("Mensagem para Beatriz Nogueira")


def test_a_closed_window_takes_no_reply_but_a_note(closed, page):
    page.goto(page.conversation)
    page.get_by_role("tab", name="Responder").click()
    expect(field(page)).not_to_be_editable()
    expect(field(page)).to_have_attribute("placeholder", re.compile("A janela fechou: escolha um modelo"))
    expect(page.get_by_role("button", name="Enviar")).to_be_disabled()
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("ligar amanhã")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.note[data-message]", has_text="ligar amanhã").wait_for()
    page.get_by_role("tab", name="Responder").click()
    expect(field(page)).not_to_be_editable()


def test_a_reply_can_carry_buttons(page, conversation_id):
    page.goto(page.conversation)
    page.get_by_role("button", name="Botões de resposta").click()
    page.get_by_label("Botão 1").fill("Sim")
    page.get_by_label("Botão 2").fill("Agora não")
    page.get_by_label("Botão 3").fill("Sim")
    field(page).fill("Posso agendar a visita?")
    page.get_by_role("button", name="Enviar").click()
    sent = page.locator(".msg.out[data-message]", has_text="Posso agendar")
    sent.wait_for()
    expect(sent.locator(".choices .badge")).to_have_text(["Sim", "Agora não"])
    kept = page.request.get(f"/api/v1/conversations/{conversation_id}/messages").json()["items"][-1]
    assert [button["title"] for button in kept["content"]["buttons"]] == ["Sim", "Agora não"]
    expect(page.get_by_label("Botão 1")).to_be_hidden()


def test_buttons_that_are_out_of_sight_are_not_sent(page):
    page.goto(page.conversation)
    page.get_by_role("button", name="Botões de resposta").click()
    page.get_by_label("Botão 1").fill("Sim")
    page.get_by_role("tab", name="Nota interna").click()
    page.get_by_role("tab", name="Responder").click()
    expect(page.get_by_role("button", name="Botões de resposta")).to_have_attribute("aria-expanded", "false")
    field(page).fill("bom dia")
    page.get_by_role("button", name="Enviar").click()
    sent = page.locator(".msg.out[data-message]", has_text="bom dia")
    sent.wait_for()
    expect(sent.locator(".choices .badge")).to_have_count(0)


def test_the_field_opens_again_when_the_customer_writes(box, ana, closed, page, conversation_id):
    page.goto(page.conversation)
    page.get_by_role("tab", name="Responder").click()
    expect(field(page)).not_to_be_editable()
    with box.unit(ana.tenant_id) as uow:
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(last_inbound_at=uow.now))
    page.get_by_role("button", name="Assumir").click()
    page.locator(".composer:not(.is-closed)").wait_for()
    expect(field(page)).to_be_editable()


def test_a_draft_of_each_kind_outlives_the_page(page):
    page.goto(page.conversation)
    page.route("**/drafts", lambda route: route.abort())  # else one of them may come back from the box
    field(page).fill("resposta pela metade")
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("nota pela metade")
    page.reload()
    expect(field(page)).to_have_value("resposta pela metade")
    page.get_by_text("Rascunho guardado").wait_for()
    page.get_by_role("tab", name="Nota interna").click()
    expect(field(page)).to_have_value("nota pela metade")


def test_a_draft_goes_on_in_another_browser_until_it_is_sent(page, ana, new_context):
    page.goto(page.conversation)
    with draft_kept(page, "resposta pela metade"):
        field(page).fill("resposta pela metade")
    other = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    other.goto(page.conversation)
    expect(field(other)).to_have_value("resposta pela metade")
    with draft_kept(other, ""):
        field(other).fill("resposta inteira")
        other.keyboard.press("Enter")
    page.reload()
    page.locator(".msg.out[data-message]", has_text="resposta inteira").wait_for()
    expect(field(page)).to_have_value("")


def test_who_comes_back_to_a_shared_browser_is_not_given_the_draft_of_who_was_there_meanwhile(page, conversation_id):
    page.goto(page.conversation)
    with draft_kept(page, "da Ana, para ela só"):
        field(page).fill("da Ana, para ela só")
    kept = f"unsaved:draft:{conversation_id}:reply"
    page.evaluate("key => localStorage.setItem(key, 'of somebody else')", kept)
    page.reload()
    expect(field(page)).to_have_value("da Ana, para ela só")
    assert page.evaluate("key => localStorage.getItem(key)", kept) is None, "else it would be kept as theirs"


def test_what_one_tab_has_sent_the_other_does_not_offer_again(page):
    page.goto(page.conversation)
    with draft_kept(page, "segue o orçamento"):
        field(page).fill("segue o orçamento")
    other = page.context.new_page()
    other.goto(page.conversation)
    expect(field(other)).to_have_value("segue o orçamento")
    field(page).press("Enter")
    page.locator(".msg.out[data-message]", has_text="segue o orçamento").wait_for()
    expect(field(other)).to_have_value("")
    field(page).fill("e o prazo?")
    expect(field(other)).to_have_value("e o prazo?")


@pytest.mark.parametrize("width", [390, 1280])
def test_without_a_connection_nothing_of_the_conversation_is_covered(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(page.conversation)
    page.route("**/reply", lambda route: route.abort())
    for number in range(8):
        field(page).fill(f"linha {number}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Tentar de novo")).to_have_count(number + 1)
    page.evaluate("document.getElementById('offline').hidden = false")
    banner, main = page.locator("#offline").bounding_box(), page.locator("main").bounding_box()
    assert main["y"] >= banner["y"] + banner["height"] - 1
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    expect(page.get_by_role("button", name="Tentar de novo").last).to_be_in_viewport()


def sent_texts(box, ana, conversation_id):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return [one.content["text"] for one in queries.list_messages(uow, conversation_id) if one.direction is Direction.OUTBOUND]


def test_what_waited_goes_by_itself_once_and_in_order_but_not_what_is_old_or_somebody_elses(box, ana, page, conversation_id):
    page.goto(page.conversation)
    page.context.route("**/reply", lambda route: route.abort())
    lines = [f"linha {number}" for number in range(3)]
    for number, line in enumerate(lines):
        field(page).fill(line)
        page.keyboard.press("Enter")
        expect(page.locator(".msg.is-pending", has_text="vai sozinha")).to_have_count(number + 1)
    page.evaluate("""place => {
        const [job] = JSON.parse(localStorage.getItem(place));
        const old = { ...job, key: "a", text: "de ontem", at: job.at - 86_400_000 };
        const others = { ...job, key: "b", text: "de outra pessoa", by: "x" };
        localStorage.setItem(place, JSON.stringify([...JSON.parse(localStorage.getItem(place)), old, others]));
    }""", f"unsent:{conversation_id}")
    page.context.unroute("**/reply")
    page.goto("/inbox")
    expect(page.locator(".conv", has_text="linha 2")).to_be_visible()
    page.goto(page.conversation)
    expect(page.locator(".msg.out[data-message]")).to_have_text([re.compile(line) for line in lines])
    expect(page.locator(".msg.failed", has_text="Não enviada.")).to_have_text(re.compile("de ontem"))
    assert sent_texts(box, ana, conversation_id) == lines


def lose_connection(page):
    """To where replies go, once the conversation is open."""
    page.goto(page.conversation)
    page.context.route("**/reply", lambda route: route.abort())


def test_what_was_written_on_a_page_that_lacks_a_script_goes_when_it_is_loaded_again(box, ana, page, conversation_id):
    """The connection was lost while the page was loading."""
    page.route("**/inbox/resending*.js", lambda route: route.abort())
    page.goto(page.conversation)
    field(page).fill("não se perde")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").first).to_be_visible()
    expect(page.locator(".msg.is-pending")).to_have_text(re.compile("não se perde"))
    page.unroute("**/inbox/resending*.js")
    page.goto(page.conversation)
    expect(page.locator(".msg.out[data-message]")).to_have_text(re.compile("não se perde"))
    assert sent_texts(box, ana, conversation_id) == ["não se perde"]


def test_what_is_sent_is_what_stood_there_when_enter_was_pressed(box, ana, page, conversation_id):
    """Whoever writes on while the page still fetches a script writes the next message."""
    late = []
    page.route("**/inbox/resending*.js", lambda route: late.append(route))  # noqa: PLW0108 -- Playwright marks what it is given, and a method of a list takes no mark
    page.goto(page.conversation)
    lines = ["primeira", "segunda"]
    for line in lines:
        field(page).press_sequentially(line)
        page.keyboard.press("Enter")
    expect(page.locator(".msg.is-pending")).to_have_count(len(lines))
    page.reload()  # it is kept, whatever becomes of the page
    field(page).press_sequentially("terceira")
    page.keyboard.press("Enter")
    lines.append("terceira")
    expect(page.locator(".msg.is-pending")).to_have_count(1)  # the others are shown by what is still on its way
    late[1].continue_()
    expect(page.locator(".msg.out[data-message]")).to_have_text([re.compile(line) for line in lines])
    assert sent_texts(box, ana, conversation_id) == lines


def test_however_much_waits_all_of_it_goes_also_where_browsers_have_no_locks(box, ana, page, conversation_id):
    """A box without HTTPS, seen from another machine."""
    page.add_init_script("delete Navigator.prototype.locks")
    lose_connection(page)
    lines = [f"linha {number:02}" for number in range(23)]
    for line in lines:
        field(page).fill(line)
        page.keyboard.press("Enter")
    expect(page.locator(".msg.is-pending", has_text="vai sozinha")).to_have_count(len(lines))
    page.context.unroute("**/reply")
    expect(page.locator(".msg.out[data-message]")).to_have_text([re.compile(line) for line in lines])
    with box.unit(ana.tenant_id) as uow:
        channel_id = queries.get_conversation(uow, conversation_id).channel_id
        channels.receive_simulated(uow, channel_id, visitor="bia", name="Beatriz Nogueira", text="chegou")
    expect(page.locator(".msg.in", has_text="chegou")).to_be_visible()
    assert sent_texts(box, ana, conversation_id) == lines


def test_two_tabs_that_both_hold_what_waited_send_it_once(box, ana, page, conversation_id):
    """The first answer is lost after the box took the message."""
    page.goto(page.conversation)
    page.context.route("**/reply", lambda route: (route.fetch(), route.abort()))
    field(page).fill("uma vez só")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Tentar de novo")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.conversation)
    page.context.unroute_all(behavior="ignoreErrors")  # one may be on its way
    for tab in (page, other):
        expect(tab.locator(".msg.out[data-message]")).to_have_count(1)
        expect(tab.locator("[data-key]")).to_have_count(0)
    assert sent_texts(box, ana, conversation_id) == ["uma vez só"]


def test_what_the_box_refuses_later_does_not_hold_back_what_was_written_after_it(box, ana, page, conversation_id):
    lose_connection(page)
    for line in ("recusada", "aceita"):
        field(page).fill(line)
        page.keyboard.press("Enter")
        page.locator(".msg.is-pending", has_text=line).get_by_role("button", name="Tentar de novo").wait_for()
    expect(page.locator(".toast")).to_have_count(0)
    refusal = {"status": 422, "content_type": "application/problem+json", "body": '{"detail": "Assim não."}'}
    page.route("**/reply", lambda route: route.fulfill(**refusal) if "recusada" in route.request.post_data else route.continue_())
    page.context.unroute("**/reply")
    page.locator(".msg.out[data-message]", has_text="aceita").wait_for()
    expect(page.locator(".msg.failed", has_text="recusada")).to_contain_text("Não enviada. Assim não.")
    assert sent_texts(box, ana, conversation_id) == ["aceita"]


def test_who_asked_for_silence_gets_a_note_of_the_team_and_no_reply_until_they_write(page, says, run_deliveries):
    with page.expect_response("**/events"):
        page.goto(page.conversation)
    field(page).fill("Promoção só hoje!")
    says("PARAR")
    run_deliveries()
    banner = page.locator(".banner.warn", has_text="Esta pessoa pediu para não receber mais mensagens por este canal.")
    expect(banner).to_be_visible()
    expect(field(page)).not_to_be_editable()
    expect(field(page)).to_have_attribute("placeholder", re.compile("^Esta pessoa pediu para não receber"))
    expect(page.get_by_role("button", name="Enviar")).to_be_disabled()
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("não escrever mais")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.note[data-message]", has_text="não escrever mais").wait_for()
    says("voltei")
    run_deliveries()
    expect(field(page)).to_be_editable()
    expect(banner).to_have_count(0)


@pytest.mark.parametrize("keys", ["Enter", "Control+Enter", "Meta+Enter"])
def test_it_is_sent_from_the_keyboard_and_says_in_words_how_far_it_came(page, keys):
    page.goto(page.conversation)
    field(page).fill("bom dia")
    page.keyboard.press(keys)
    sent = page.locator(".msg.out[data-message]", has_text="bom dia")
    sent.wait_for()
    expect(sent.get_by_role("img")).to_have_attribute("aria-label", "Na fila para enviar")


def test_after_a_note_the_next_message_is_a_reply(page):
    page.goto(page.conversation)
    page.get_by_role("tab", name="Nota interna").click()
    field(page).fill("ligar amanhã")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.note[data-message]", has_text="ligar amanhã").wait_for()
    expect(page.get_by_role("tab", name="Responder")).to_have_attribute("aria-selected", "true")
    field(page).fill("bom dia")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.out[data-message]", has_text="bom dia").wait_for()


def test_on_a_phone_no_word_of_the_composer_breaks_in_two(box, ana, page, conversation_id):
    with box.unit(ana.tenant_id) as uow:
        closing = {"window_hours": 24, "last_inbound_at": uow.now - timedelta(minutes=5)}
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**closing))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.conversation)
    for part in page.locator(".composer .modes > *").all():
        box_of = part.bounding_box()
        assert box_of["height"] < 30
        assert box_of["x"] + box_of["width"] <= 390


@pytest.mark.parametrize("height", [667, 844])
def test_on_a_phone_the_simulators_field_is_seen_at_once(ana, conversation_id, page, height):
    page.set_viewport_size({"width": 390, "height": height})
    page.goto("/simulator")
    field_of = page.get_by_role("textbox", name="Escrever como cliente").bounding_box()
    assert field_of["y"] + field_of["height"] <= page.locator(".tabbar").bounding_box()["y"]
