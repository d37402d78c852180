"""Templates in the browser: written with a preview, handed to WhatsApp, said in a conversation with their price."""

import base64
import re
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.ids import new_id
from appliance.core.outbound import Outbound
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.channels.schemas import ChannelIn, TemplateIn, TemplatesQuery
from appliance.domains.channels.types import Change, Spoken, TemplateStatus
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.types import Channel, ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import Incoming, MessageKind, Person
from tests.peers.graph import NUMBER, TOKEN, GraphPeer, settings_for
from tests.peers.graph_templates import WABA
from tests.webui.conftest import ANA
from tests.webui.looking import look
from tests.webui.sending import send
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def graph():
    with GraphPeer() as peer:
        yield peer


@pytest.fixture
def settings(settings, graph):
    return settings_for(settings, graph)


@pytest.fixture
def cloud(box, ana):
    secrets = {"access_token": TOKEN, "app_secret": "s", "verify_token": "v"}
    given = ChannelIn(kind="whatsapp_cloud", name="Loja", external_id=NUMBER, secrets=secrets, config={"waba_id": WABA})
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return channels.create_channel(uow, given).id


@pytest.fixture
def page(ana, cloud, new_context):
    return new_context(ana, viewport={"width": 1280, "height": 900}).new_page()


def only(box, ana):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        [found] = queries.list_templates(uow, TemplatesQuery()).items
        return found


def test_it_is_written_with_a_preview_and_handed_to_whatsapp(page, box, ana, graph, run_deliveries):
    page.goto("/templates/new?kind=whatsapp")
    page.get_by_label("Nome").fill("lembrete_de_visita")
    text = page.get_by_label("Texto", exact=True)
    text.fill("Olá ")
    page.get_by_role("button", name="Variável").click()
    page.keyboard.type(", sua visita é *amanhã*")
    page.get_by_label("O que preenche {{1}}").select_option(label="Primeiro nome do contato")
    page.locator(".tpl-bubble", has_text="Olá Beatriz, sua visita é amanhã").wait_for()
    expect(page.locator(".tpl-bubble strong")).to_have_text("amanhã")
    page.locator(".tpl-preview", has_text="falta para 1").wait_for()
    page.get_by_role("button", name="Salvar e pedir aprovação").click()
    page.get_by_text("Salvo, mas não enviado.").wait_for()
    assert only(box, ana).status is TemplateStatus.DRAFT
    page.get_by_label("Exemplo para {{1}}").fill("Bia")
    page.get_by_role("button", name="Salvar e pedir aprovação").click()
    page.locator("#state", has_text="A caminho do WhatsApp").wait_for()
    run_deliveries()
    page.locator("#state", has_text="Em análise no WhatsApp").wait_for()  # by itself, as it happens
    expect(page.get_by_label("Texto", exact=True)).not_to_be_editable()
    assert graph.templates.kept["9000"]["components"][0]["example"] == {"body_text": [["Bia"]]}


def test_those_whatsapp_has_are_fetched_and_a_sealed_box_says_why_not(page, box, graph, monkeypatch):
    graph.templates.put("aviso", "Sua fatura chegou.")
    page.goto("/templates")
    page.get_by_role("button", name="Buscar do WhatsApp").click()
    page.get_by_role("row", name="aviso").get_by_text("Aprovado").wait_for()
    monkeypatch.setattr(box, "outbound", Outbound(NetworkSettings(mode=NetworkMode.SEALED)))
    page.get_by_role("button", name="Buscar do WhatsApp").click()
    page.get_by_role("status").get_by_text("network.mode").wait_for()


def test_a_mail_is_shown_in_both_formats(page):
    page.goto("/templates/new?kind=piece")
    page.get_by_label("Nome").fill("assinatura")
    page.get_by_label("Texto", exact=True).fill("**Solara Energia**")
    send(page.get_by_role("button", name="Salvar"))
    page.goto("/templates/new?kind=email")
    page.get_by_label("Nome").fill("Proposta")
    page.get_by_label("Assunto").fill("Para {{contact.company}}")
    page.get_by_label("Texto", exact=True).fill("# Olá\n\n<img src=x onerror=alert(1)>\n\n")
    page.get_by_role("button", name="assinatura").click()
    page.locator(".mail-body strong", has_text="Solara Energia").wait_for()
    expect(page.locator(".mail-subject")).to_have_text("Para Mercado Manacá")
    expect(page.locator(".mail-body img")).to_have_count(0)
    expect(page.locator(".mail-text")).to_have_text(re.compile("^Olá\\n\\n<img"))


def test_an_own_list_of_prices_takes_the_place_of_the_shipped_one(page):
    page.goto("/templates/prices")
    page.get_by_role("row", name="Modelo de marketing").get_by_text("US$ 0,0625").wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("(it => it.scrollWidth - it.clientWidth)(document.querySelector('.table-wrap'))") <= 0
    lines = page.get_by_label("Linhas", exact=True)
    lines.fill("country,charge,valid_from,currency,amount,source\nBR,service,2026-10-01,BRL,x,contrato")
    page.get_by_role("button", name="Usar esta lista").click()
    page.get_by_text("Linha 2:").wait_for()
    lines.fill("country,charge,valid_from,currency,amount,source\nBR,service,2026-10-01,BRL,0.03,contrato")
    page.get_by_role("button", name="Usar esta lista").click()
    page.get_by_role("row", name="Resposta com a janela aberta").get_by_text("R$ 0,03").wait_for()


@pytest.fixture
def talk(box, ana, cloud):
    """Beatriz wrote to the number; two templates are approved."""
    person = Person((Identity(IdentityKind.WHATSAPP, "5511955120148"),), "Beatriz Nogueira")
    parts = {"body": "Olá {{1}}, sua visita é em {{2}}.", "variables": [{"name": "1", "source": "contact.first_name", "example": "Bia"},
                                                                         {"name": "2", "example": "12/12"}]}  # fmt: skip
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        said = Incoming("wamid.1", MessageKind.TEXT, {"text": "oi"}, uow.now)
        channels.receive_changes(uow, queries.get_channel(uow, cloud), [Change((Spoken(person, "5511955120148", (said,)),))])
        for name in ("lembrete", "retorno"):
            wanted = {"kind": "whatsapp", "name": name, "channel_id": cloud, "parts": parts}
            channels.create_template(uow, TemplateIn.model_validate(wanted)).status = TemplateStatus.APPROVED
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return conversations.get_thread(uow, cloud, "5511955120148")


@pytest.fixture
def closed(box, ana, talk):
    with box.unit(ana.tenant_id) as uow:
        uow.session.execute(update(Conversation).values(last_inbound_at=uow.now - timedelta(hours=25)))


@pytest.mark.usefixtures("closed")
def test_behind_a_closed_window_a_template_is_picked_filled_and_sent(page, talk, box, ana):
    page.goto(f"/inbox/{talk}")
    expect(page.get_by_role("tab", name="Modelo")).to_have_attribute("aria-selected", "true")
    page.get_by_role("list", name="Modelo a enviar").get_by_role("button", name="lembrete").click()
    expect(page.get_by_label("Primeiro nome do contato")).to_have_value("Beatriz")
    page.get_by_text("Preço: US$ 0,0068").wait_for()
    expect(page.locator("[data-said]")).to_have_text("Olá Beatriz, sua visita é em [2].")
    page.get_by_role("button", name="Enviar").click()  # something is missing: nothing leaves
    page.get_by_label("Variável 2").fill("10/12 às 10h")
    said = "Olá Beatriz, sua visita é em 10/12 às 10h."
    page.locator("[data-said]", has_text=said).wait_for()
    page.keyboard.press("Enter")
    page.locator(".msg.out[data-message]", has_text=said).wait_for()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        sent = conversations.list_messages(uow, talk)[-1]
    assert sent.content["template"] == {
        "name": "lembrete", "language": "pt_BR",
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Beatriz"}, {"type": "text", "text": "10/12 às 10h"}]}],
    }  # fmt: skip
    expect(page.locator(".msg.out")).to_have_count(1)
    expect(page.locator("[data-value]")).to_have_count(0)  # chosen anew each time


@pytest.mark.usefixtures("closed")
def test_among_many_templates_one_is_found_by_its_words_with_the_keyboard(page, site, talk, box, ana, cloud):
    watch = Watch(page, site.url)
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        for name, body in (("a1", "Um."), ("a2", "Dois."), ("a3", "Três."), ("boleto", "Sua segunda via está pronta.")):
            wanted = {"kind": "whatsapp", "name": name, "channel_id": cloud, "parts": {"body": body}}
            channels.create_template(uow, TemplateIn.model_validate(wanted)).status = TemplateStatus.APPROVED
    page.goto(f"/inbox/{talk}")
    picks = page.get_by_role("list", name="Modelo a enviar").get_by_role("button")
    expect(picks).to_have_count(6)
    look(page, "template-list")
    expect(page.get_by_role("button", name="Enviar")).to_be_hidden()  # nothing is picked yet
    page.get_by_label("Procurar um modelo").fill("nada assim")
    page.get_by_text("Nenhum modelo tem essas palavras.").wait_for()
    page.get_by_label("Procurar um modelo").fill("SEGUNDA via")
    expect(picks).to_have_text([re.compile("boleto")])
    page.keyboard.press("ArrowDown")
    expect(picks).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_have_text("Sua segunda via está pronta.")
    page.get_by_role("button", name="Outro modelo").click()
    expect(picks).to_have_count(6)
    picks.filter(has_text="lembrete").click()
    expect(page.get_by_label("Variável 2")).to_be_focused()
    expect(page.get_by_label("Variável 2")).to_have_attribute("placeholder", "por exemplo 12/12")
    look(page, "template-picked")
    assert watch.complaints == []


def test_a_half_filled_template_keeps_no_reply_from_being_sent(page, talk):
    page.goto(f"/inbox/{talk}")
    page.locator(".win").get_by_text("Resposta: há cobrança").wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.querySelector('.win').scrollWidth <= document.querySelector('.win').clientWidth")
    page.get_by_role("tab", name="Modelo").click()
    page.get_by_role("list", name="Modelo a enviar").get_by_role("button", name="retorno").click()
    page.get_by_label("Variável 2").wait_for()
    page.get_by_role("tab", name="Responder").click()
    page.get_by_label("Mensagem para Beatriz Nogueira").fill("bom dia")
    page.keyboard.press("Enter")
    page.locator(".msg.out[data-message]", has_text="bom dia").wait_for()
    expect(page.locator(".msg.out")).to_have_count(1)


def test_the_composer_hears_that_the_window_closes(page, talk, box, ana):
    page.clock.install()
    page.goto(f"/inbox/{talk}")
    assert page.get_by_label("Mensagem para Beatriz Nogueira").is_editable()
    with box.unit(ana.tenant_id) as uow:
        uow.session.execute(update(Conversation).values(last_inbound_at=uow.now - timedelta(hours=25)))
    page.clock.fast_forward("24:01:00")
    page.get_by_text("A janela de 24 horas fechou").wait_for()
    assert not page.get_by_label("Mensagem para Beatriz Nogueira").is_editable()


PICTURE = {"name": "telhado.png", "mimeType": "image/png", "buffer": base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")}  # fmt: skip


def test_a_picture_stands_above_the_text_and_goes_to_whatsapp(page, box, ana, graph, run_deliveries):
    page.goto("/templates/new?kind=whatsapp")
    page.get_by_label("Nome").fill("obra")
    page.get_by_label("Texto", exact=True).fill("Sua obra começou.")
    page.get_by_label("Cabeçalho", exact=True).select_option(label="Uma imagem")
    page.get_by_label("Exemplo do arquivo").set_input_files(PICTURE)
    page.locator("[data-media] img").wait_for()
    page.get_by_role("button", name="Salvar e pedir aprovação").click()
    page.locator("#state", has_text="A caminho do WhatsApp").wait_for()
    run_deliveries()
    page.locator("#state", has_text="Em análise no WhatsApp").wait_for()
    [(mime_type, content)] = graph.templates.handles.values()
    assert (mime_type, content) == ("image/png", PICTURE["buffer"])
    page.locator("[data-media] img").wait_for()  # from the box now
    expect(page.get_by_role("link", name="telhado.png")).to_have_attribute("href", re.compile("^/api/v1/templates/"))


@pytest.mark.usefixtures("closed")
def test_the_file_of_a_header_is_chosen_when_it_is_sent(page, talk, box, ana, cloud):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        wanted = {"kind": "whatsapp", "name": "obra", "channel_id": cloud, "parts": {"media": "IMAGE", "body": "Sua obra começou."}}
        channels.create_template(uow, TemplateIn.model_validate(wanted)).status = TemplateStatus.APPROVED
    page.goto(f"/inbox/{talk}")
    page.get_by_role("list", name="Modelo a enviar").get_by_role("button", name="obra").click()
    page.get_by_label("Arquivo do cabeçalho").wait_for()
    page.get_by_role("button", name="Enviar").click()  # no file and no address: nothing leaves
    page.get_by_label("Arquivo do cabeçalho").set_input_files(PICTURE)
    page.get_by_role("img", name="A imagem que vai junto").wait_for()
    page.get_by_role("button", name="Enviar").click()
    page.locator(".msg.out[data-message] img.media").wait_for()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        sent = conversations.list_messages(uow, talk)[-1]
    assert box.blobs.read_all(ana.tenant_id, UUID(sent.content["media"]["blob_id"])) == PICTURE["buffer"]
    expect(page.locator(".msg.out")).to_have_count(1)


@pytest.mark.usefixtures("closed")
def test_what_may_not_be_said_is_refused_while_it_is_picked(page, talk, box, ana, cloud):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        wanted = {"kind": "whatsapp", "name": "oferta", "channel_id": cloud, "category": "marketing", "parts": {"body": "Promoção!"}}
        channels.create_template(uow, TemplateIn.model_validate(wanted)).status = TemplateStatus.APPROVED
    page.goto(f"/inbox/{talk}")
    expect(page.get_by_role("button", name="oferta")).to_be_disabled()
    expect(page.get_by_role("button", name="lembrete")).to_be_enabled()
    expect(page.get_by_role("button", name="oferta")).to_have_text(re.compile("agora não: Esta pessoa não aceitou receber marketing"))
    expect(page.locator("[data-refusal]")).to_have_count(0)


@pytest.mark.usefixtures("closed")
def test_a_refused_template_stays_in_the_thread_with_its_reason_until_it_is_let_go(page, talk, box, ana, cloud):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        wanted = {"kind": "whatsapp", "name": "obra", "channel_id": cloud, "parts": {"media": "IMAGE", "body": "Sua obra começou."}}
        channels.create_template(uow, TemplateIn.model_validate(wanted)).status = TemplateStatus.APPROVED
    page.goto(f"/inbox/{talk}")
    page.get_by_role("list", name="Modelo a enviar").get_by_role("button", name="obra").click()
    page.get_by_label("Arquivo do cabeçalho").set_input_files(PICTURE)
    with box.unit(ana.tenant_id) as uow:
        person = conversations.get_conversation(uow, talk).contact_id
        contacts.record_consent(uow, person, ConsentIn(channel=Channel.WHATSAPP, purpose=Purpose.SERVICE, mode=ConsentMode.OPT_OUT))
    page.get_by_role("button", name="Enviar").click()
    failed = page.locator(".msg.failed", has_text="Não enviada.")
    failed.wait_for()
    said = failed.inner_text()
    page.reload()
    failed.wait_for()
    expect(failed).to_have_text(said, use_inner_text=True)
    assert "Sua obra começou." in said
    assert "telhado.png" in said
    failed.get_by_role("button", name="Descartar").click()
    failed.wait_for(state="detached")
    page.reload()
    page.get_by_role("tab", name="Modelo").wait_for()
    expect(failed).to_have_count(0)


def test_a_file_that_waited_too_long_to_be_sent_is_chosen_anew(page, talk):
    page.goto(f"/inbox/{talk}")
    media = {"blob_id": str(new_id()), "mime_type": "image/png", "filename": "casa.png"}
    job = {"text": "", "body": {}, "mode": "reply", "key": "k", "media": media, "why": "", "file": {"name": "casa.png"}}
    page.evaluate("""([place, job]) => {
        const by = document.querySelector('meta[name="live-scope"]').content;
        localStorage.setItem(place, JSON.stringify([{ ...job, by }]));
    }""", [f"unsent:{talk}", job])
    page.reload()
    failed = page.locator(".msg.failed", has_text="casa.png")
    failed.get_by_role("button", name="Tentar de novo").click()
    failed.filter(has_text="Escolha o arquivo de novo").wait_for()
    expect(failed.get_by_role("button")).to_have_text(["Descartar"])


def test_a_code_for_signing_in_needs_no_words(page, graph, run_deliveries):
    page.goto("/templates/new?kind=whatsapp")
    page.get_by_label("Nome").fill("codigo")
    page.get_by_label("Para que serve").select_option("authentication")
    page.get_by_label("Texto", exact=True).wait_for(state="hidden")
    page.get_by_label("Aconselhar a não compartilhar o código").check()
    page.get_by_label("Minutos que o código vale").fill("10")
    page.locator(".tpl-bubble", has_text="Este código expira em 10 minutos").wait_for()
    page.locator(".tpl-button", has_text="Copiar código").wait_for()
    page.get_by_role("button", name="Salvar e pedir aprovação").click()
    page.locator("#state", has_text="A caminho do WhatsApp").wait_for()
    run_deliveries()
    page.locator("#state", has_text="Em análise no WhatsApp").wait_for()
    assert graph.templates.kept["9000"]["components"][1] == {"type": "FOOTER", "code_expiration_minutes": 10}
