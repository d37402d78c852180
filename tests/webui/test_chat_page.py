"""A WhatsApp conversation is begun on a contact's page: what is said, what it costs, and why it may not be."""

import html
import re

import pytest

from appliance.domains.channels import actions
from appliance.domains.channels import queries as channels
from appliance.domains.channels.schemas import ChannelIn, TemplateIn
from appliance.domains.channels.types import TemplateStatus
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Purpose
from appliance.domains.identity import actions as identity
from appliance.domains.identity.types import SESSION_COOKIE
from tests.draining import run_due
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, settings_for
from tests.peers.graph_templates import WABA

pytestmark = pytest.mark.only_database("sqlite")
BODY = {"body": "Olá {{1}}, sua visita é em {{2}}.", "variables": [
    {"name": "1", "source": "contact.first_name", "example": "Bia"}, {"name": "2", "example": "12/12"},
]}  # fmt: skip


@pytest.fixture
def graph():
    with GraphPeer() as peer:
        peer.enforce_window = True
        yield peer


@pytest.fixture
def settings(settings, graph):
    return settings_for(settings, graph, timeout_s=20.0)


@pytest.fixture
def ana_at_home(site, ana):
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    return client


@pytest.fixture
def read(ana_at_home):
    return lambda address: html.unescape(ana_at_home.get(address).text)


@pytest.fixture
def write(ana_at_home):
    def post(contact_id, **typed):
        token = re.search(r'name="csrf-token" content="([^"]+)"', ana_at_home.get(f"/contacts/{contact_id}").text)[1]
        return ana_at_home.post(f"/inbox/whatsapp/{contact_id}", data={"csrf_token": token, **typed})

    return post


@pytest.fixture
def cloud(box, ana):
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    given = ChannelIn(kind="whatsapp_cloud", name="Vendas", external_id=NUMBER, secrets=secrets, config={"waba_id": WABA})
    with box.unit(ana.tenant_id) as uow:
        return actions.create_channel(uow, given).id


@pytest.fixture
def template(box, ana, cloud, graph):
    graph.templates.put("lembrete", BODY["body"])
    with box.unit(ana.tenant_id) as uow:
        given = {"kind": "whatsapp", "name": "lembrete", "parts": BODY, "channel_id": cloud}
        made = actions.create_template(uow, TemplateIn.model_validate(given)).id
        channels.lock_template(uow, made).status = TemplateStatus.APPROVED
    return made


@pytest.fixture
def bia(box, ana):
    with box.unit(ana.tenant_id) as uow:
        found = contacts.create_contact(uow, ContactFields(name="Bia Reis", phone="+5511987654321")).id
        said = ConsentIn(channel=Medium.WHATSAPP, purpose=Purpose.SERVICE, mode=ConsentMode.OPT_IN, source="form", evidence={})
        contacts.record_consent(uow, found, said)
    return found


@pytest.fixture
def caio(box, ana):
    """Never asked."""
    with box.unit(ana.tenant_id) as uow:
        return contacts.create_contact(uow, ContactFields(name="Caio Melo", phone="+5511912345678")).id


def test_a_template_is_chosen_filled_priced_and_sent_and_opens_its_conversation(box, read, write, graph, cloud, template, bia, ana_at_home):  # noqa: PLR0917 - fixtures
    assert f'href="/inbox/whatsapp/{bia}"' in read(f"/contacts/{bia}")
    first = read(f"/inbox/whatsapp/{bia}")
    assert ("lembrete" in first, "<textarea" in first) == (True, False)
    shown = read(f"/inbox/whatsapp/{bia}?template={template}")
    assert "Olá Bia, sua visita é em [2]." in shown
    assert "data-cost" in shown
    assert "data-refusal" not in shown
    answer = write(bia, channel_id=str(cloud), template_id=str(template), place=["1", "2"], value=["Bia", "10/12"])
    assert answer.status_code == 302, answer.text
    assert "Olá Bia, sua visita é em 10/12." in ana_at_home.get(answer.location).text
    run_due(box)
    [(_, sent)] = graph.accepted
    assert (sent["to"], sent["template"]["name"]) == ("5511987654321", "lembrete")


def test_what_was_typed_stays_beside_what_is_missing(write, cloud, template, bia):
    answer = write(bia, channel_id=str(cloud), template_id=str(template), place=["1", "2"], value=["Beatriz", ""])
    assert answer.status_code == 422
    assert 'value="Beatriz"' in answer.text
    assert "f-value-2-error" in answer.text


def test_who_did_not_agree_is_not_written_to_and_the_page_says_why(read, write, cloud, template, caio, graph):
    shown = read(f"/inbox/whatsapp/{caio}?template={template}")
    assert "data-refusal" in shown
    assert re.search(r'type="submit"[^>]*disabled', shown)
    answer = write(caio, channel_id=str(cloud), template_id=str(template), place=["2"], value=["10/12"])
    assert (answer.status_code, "form-error" in answer.text or "banner" in answer.text) == (422, True)
    assert graph.accepted == []


def test_a_linked_number_takes_words(box, ana, read, write, bia, ana_at_home):
    with box.unit(ana.tenant_id) as uow:
        number = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
    assert '<textarea class="input" id="f-text"' in read(f"/inbox/whatsapp/{bia}")
    assert write(bia, channel_id=str(number), text=" ").status_code == 422
    answer = write(bia, channel_id=str(number), text="Oi, Bia!")
    assert "Oi, Bia!" in ana_at_home.get(answer.location).text


@pytest.mark.parametrize(("locale", "sentence"), [("pt_BR", "Nenhum número de WhatsApp"), ("en", "No WhatsApp number is connected")])
def test_without_a_number_there_is_no_form(box, ana, read, bia, locale, sentence):
    with box.unit(ana.tenant_id) as uow:
        identity.change_profile(uow, ana.user_id, {"locale": locale})
    shown = read(f"/inbox/whatsapp/{bia}")
    assert (sentence in shown, 'name="channel_id"' in shown) == (True, False)


def test_who_has_no_phone_is_offered_no_whatsapp(box, ana, read, cloud):
    assert cloud
    with box.unit(ana.tenant_id) as uow:
        dani = contacts.create_contact(uow, ContactFields(name="Dani", email="dani@cliente.example")).id
    assert "/inbox/whatsapp/" not in read(f"/contacts/{dani}")
    assert "não tem telefone" in read(f"/inbox/whatsapp/{dani}")
