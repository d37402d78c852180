"""What the pages of templates say to somebody who has none, or none for WhatsApp."""

import re

import pytest
from sqlalchemy import update

from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn, TemplateIn
from appliance.domains.channels.tables import MessageTemplate
from appliance.domains.channels.types import TemplateStatus

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def get(app, browser_headers):
    return lambda address: app.test_client().get(address, headers=browser_headers).text


@pytest.fixture
def talk(box, somebody):
    with box.unit(somebody.principal.tenant_id) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        return channels.receive_simulated(uow, phone, visitor="Bia", name="Bia", text="oi")


@pytest.fixture
def pick(app, box, somebody, browser_headers, talk):
    client = app.test_client()

    def picked(**form):
        home = client.get("/templates", headers=browser_headers).text
        token = re.search(r'name="csrf-token" content="([^"]+)"', home)[1]
        return client.post(f"/inbox/{talk}/templates", data={**form, "csrf_token": token}, headers=browser_headers).text

    return picked


def make(box, somebody, body):
    with box.unit(somebody.principal.tenant_id) as uow:
        return channels.create_template(uow, TemplateIn.model_validate({"kind": "chat", "name": "pedido", "parts": {"body": body}})).id


def test_the_list_calls_a_language_by_its_name(box, somebody, get):
    make(box, somebody, "Olá")
    assert "Chat · Português (Brasil)" in get("/templates")


def test_a_language_that_cannot_be_changed_is_called_by_its_name_too(box, somebody, get):
    with box.unit(somebody.principal.tenant_id) as uow:
        account = {"external_id": "105954558954427", "config": {"waba_id": "105"}}
        secrets = {"access_token": "t", "app_secret": "s", "verify_token": "v"}
        number = channels.create_channel(uow, ChannelIn(kind="whatsapp_cloud", name="Loja", secrets=secrets, **account)).id
        wanted = {"kind": "whatsapp", "name": "pedido", "channel_id": number, "parts": {"body": "Pronto."}}
        made = channels.create_template(uow, TemplateIn.model_validate(wanted)).id
        uow.session.execute(update(MessageTemplate).values(provider_id="9000", status=TemplateStatus.PENDING))
    shown = re.search(r'<select[^>]*name="language".*?</select>', get(f"/templates/{made}"), re.DOTALL)[0]
    assert re.findall(r'<option value="(\w+)"[^>]*>([^<]*)<', shown) == [("pt_BR", "Português (Brasil)")]


def test_a_mail_names_the_piece_that_it_lacks(box, somebody, get):
    with box.unit(somebody.principal.tenant_id) as uow:
        wanted = {"kind": "email", "name": "Oferta", "parts": {"body": "Olá"}}
        made = channels.create_template(uow, TemplateIn.model_validate(wanted)).id
        uow.session.execute(update(MessageTemplate).values(parts={"body": "Olá {{> assinatura}}"}))
    preview = get(f"/templates/{made}").partition("tpl-preview")[2]
    assert re.search(r"Não [^<]* assinatura\b", preview)


def test_the_editor_leaves_the_menu_its_own_languages(get):
    menu = re.findall(r'<button name="language" value="(\w+)"', get("/templates/new?kind=chat"))
    assert menu == ["pt_BR", "en"]


def test_what_is_not_filled_in_is_seen_in_the_composer_and_its_field_has_a_name(box, somebody, pick):
    shown = pick(template=str(make(box, somebody, "Seu pedido {{numero_do_pedido}} saiu.")))
    assert "Seu pedido [numero_do_pedido] saiu." in shown
    assert "Variável numero do pedido" in shown


def test_the_first_template_is_offered_in_its_gender(pick):
    assert "Criar o primeiro modelo" in pick()


def test_a_whatsapp_template_that_has_no_home_says_so_where_it_would_be_saved(get):
    form = get("/templates/new?kind=whatsapp").partition('<form class="card"')[2].partition("</form>")[0]
    assert re.findall(r'<button[^>]*type="submit"[^>]*>', form) == re.findall(r"<button[^>]* disabled[^>]*>", form)
    assert 'id="no-number"' in form
    assert 'id="no-number"' not in get("/templates/new?kind=chat")
