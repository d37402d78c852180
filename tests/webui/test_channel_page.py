"""A WhatsApp channel: its webhook address, and a test of the connection before a customer writes."""

import re

import pytest
from playwright.sync_api import expect

from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.outbound import Outbound
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as channel_queries
from appliance.domains.channels.schemas import ChannelIn
from tests.peers.graph import NUMBER, TOKEN, GraphPeer, settings_for
from tests.webui.conftest import ANA
from webui.addresses import is_public

pytestmark = pytest.mark.only_database("sqlite")
SECRETS = {"access_token": TOKEN, "app_secret": "s", "verify_token": "v"}


@pytest.fixture
def graph():
    with GraphPeer() as peer:
        yield peer


@pytest.fixture
def settings(settings, graph):
    return settings_for(settings, graph)


@pytest.fixture
def cloud(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return channels.create_channel(uow, ChannelIn(kind="whatsapp_cloud", name="Loja", external_id=NUMBER, secrets=SECRETS)).id


@pytest.mark.browser
def test_the_connection_is_tested_and_told_in_sentences(box, ana, cloud, graph, new_context):
    page = new_context(ana).new_page()
    page.goto(f"/channels/{cloud}")
    page.get_by_label("Nome dentro da empresa").fill("Ainda não salvo")
    page.get_by_role("button", name="Testar a conexão").click()
    said = page.locator("#checkup")
    said.get_by_text("+55 11 95512-0148, Solara Energia").wait_for()
    expect(said).to_contain_text("Qualidade alta")
    expect(said).to_contain_text("até 2.000 pessoas em 24 horas")
    expect(said).to_contain_text("ainda não tem webhook")
    graph.number["webhook_configuration"] = {"application": f"{box.settings.public_url}/webhooks/whatsapp"}
    page.get_by_role("button", name="Testar a conexão").click()
    said.get_by_text("entrega as mensagens nesta caixa").wait_for()
    expect(page.get_by_label("Nome dentro da empresa")).to_have_value("Ainda não salvo")


def test_how_fast_a_channel_writes_is_set_on_its_page_and_empty_means_the_usual(box, tenant_id, app, browser_headers):
    client = app.test_client()
    with box.unit(tenant_id) as uow:
        cloud = channels.create_channel(uow, ChannelIn(kind="whatsapp_cloud", name="Loja", external_id=NUMBER, secrets=SECRETS)).id

    def save(pace):
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(f"/channels/{cloud}", headers=browser_headers).text)[1]
        given = {"name": "Loja", "active": "true", "per_second": pace, "csrf_token": token}
        return client.post(f"/channels/{cloud}", data=given, headers=browser_headers).status_code

    def kept():
        with box.unit(tenant_id, read_only=True) as uow:
            return channel_queries.get_channel(uow, cloud).per_second

    assert (save("2.5"), kept()) == (302, 2.5)
    assert 'value="2.5"' in client.get(f"/channels/{cloud}", headers=browser_headers).text
    assert (save("0"), kept()) == (422, 2.5)
    assert (save(""), kept()) == (302, 80)


@pytest.mark.browser
def test_a_webhook_address_nobody_outside_can_call_is_warned_of(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/channels/new?kind=whatsapp_cloud")
    expect(page.locator("#webhook")).to_have_text(re.compile("/webhooks/whatsapp$"))
    page.get_by_text("A Meta não alcança este endereço").wait_for()
    page.get_by_role("button", name="Copiar").wait_for()


@pytest.mark.parametrize(("network", "said"), [
    (NetworkSettings(), "network.mode"), (NetworkSettings(mode=NetworkMode.ALLOW_LISTED), "network.allowed_hosts"),
    (NetworkSettings(mode=NetworkMode.ALLOW_LISTED, allowed_hosts=("127.0.0.1",)), ""),
])
def test_a_box_that_may_not_call_meta_says_what_to_change(box, app, browser_headers, network, said):
    box.outbound = Outbound(network)
    page = app.test_client().get("/channels/new?kind=whatsapp_cloud", headers=browser_headers).text
    assert ("nada pode ser enviado por este canal" in page) is bool(said)
    assert said in page


@pytest.mark.parametrize("url", ["https://caixa.solara.com.br/webhooks/whatsapp", "https://8.8.8.8/x"])
def test_the_internet_can_call_https_at_a_public_name(url):
    assert is_public(url)


@pytest.mark.parametrize(
    "url", ["http://caixa.solara.com.br", "https://localhost", "https://127.0.0.1:8080", "https://192.168.0.9", "https://caixa.local", "https://caixa"]
)
def test_the_internet_can_not_call_what_is_inside_or_in_the_clear(url):
    assert not is_public(url)
