"""A program that listens to a linked number: set up in the browser, heard by its address and on its socket."""

import json
import time
from functools import partial

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync import client as sockets

from appliance.core.live import Hub
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.feeds import actions
from appliance.domains.feeds.schemas import FeedIn
from appliance.domains.identity import actions as identity
from appliance.domains.identity import queries as known
from appliance.domains.identity.actions.members import Granter
from appliance.domains.identity.types import SESSION_COOKIE
from tests.peers.listener import Listener
from tests.webui.conftest import ANA
from tests.webui.test_link_page import look

pytestmark = pytest.mark.only_database("sqlite")
LIMIT_S = 180
connect = partial(sockets.connect, open_timeout=LIMIT_S)


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"network": settings.network.model_copy(update={"private_hosts": ("127.0.0.1",)})})


@pytest.fixture
def number(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id


@pytest.fixture
def make_key(box, ana):
    def make(*scopes, **how):
        granter = Granter("owner", box.registry.all_permissions())
        with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
            return identity.create_api_key(uow, user_id=ana.user_id, name="n8n", scopes=list(scopes), granter=granter, **how).secret

    return make


@pytest.fixture
def key(make_key):
    return make_key("feeds:write")


@pytest.mark.browser
def test_a_program_is_set_up_called_and_removed(ana, number, new_context):
    page = new_context(ana).new_page()
    page.goto(f"/channels/{number}")
    look(page, "feed-none")
    with Listener() as listener:
        page.get_by_label("Endereço a chamar").fill(listener.url)
        page.get_by_label("Formato").select_option("evolution")
        page.locator("section:has(#h-feed)").get_by_role("button", name="Salvar").click()
        page.get_by_role("button", name="Chamar uma vez").click()
        page.get_by_text("O programa recebeu.").wait_for()
        listener.answers += [500]
        page.get_by_role("button", name="Chamar uma vez").click()
        page.get_by_text("500").wait_for()
        page.get_by_role("button", name="Novo segredo").click()
        page.locator("#feed-secret").wait_for()
        look(page, "feed-set")
    assert [body["event"] for body in listener.bodies] == ["connection.update"] * 2
    page.get_by_role("button", name="Remover").first.click()
    page.locator("#end-feed").get_by_role("button", name="Remover").click()
    page.get_by_text("Nada mais é avisado.").wait_for()


def test_a_program_hears_on_its_socket_and_what_it_missed(box, ana, number, key, site, run_deliveries):
    address = f"{site.url.replace('http', 'ws')}/ws/whatsapp/{number}"
    with pytest.raises(InvalidStatus, match="404"):
        connect(address, additional_headers={"apikey": key})
    with box.unit(ana.tenant_id) as uow:
        actions.set_feed(uow, number, FeedIn())
    with connect(address, additional_headers={"apikey": key}) as socket:
        tell_state(box, ana, number, run_deliveries)
        first = json.loads(socket.recv(LIMIT_S))
    assert (first["connection.update"], first["salesedge"]["channel_id"]) == ({"connection": "connecting"}, str(number))
    tell_state(box, ana, number, run_deliveries)
    with connect(f"{address}?after={first['salesedge']['id']}", additional_headers={"X-API-Key": key}) as socket:
        missed = json.loads(socket.recv(LIMIT_S))
        assert missed["salesedge"]["id"] != first["salesedge"]["id"]
        tell_state(box, ana, number, run_deliveries)
        assert json.loads(socket.recv(LIMIT_S))["salesedge"]["id"] not in {first["salesedge"]["id"], missed["salesedge"]["id"]}


def test_a_socket_is_for_a_key_that_may_listen(box, ana, number, make_key, site, monkeypatch):
    monkeypatch.setattr("appliance.entrypoints.hearing.RECHECK_S", 0.0)
    monkeypatch.setattr("appliance.core.live.KEEP_ALIVE_S", 0.1)
    address = f"{site.url.replace('http', 'ws')}/ws/whatsapp/{number}"
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        actions.set_feed(uow, number, FeedIn())
    key, weak = make_key("feeds:write"), make_key("channels:read")
    shown = (({}, 401), ({"Cookie": f"{SESSION_COOKIE}={ana.cookie}"}, 401), ({"X-API-Key": "se_no"}, 401), ({"X-API-Key": weak}, 403))
    for headers, status in shown:
        with pytest.raises(InvalidStatus, match=str(status)):
            connect(address, additional_headers=headers)
    with pytest.raises(InvalidStatus):
        connect(f"{site.url.replace('http', 'ws')}/ws/else")
    with connect(address, additional_headers={"X-API-Key": key}) as socket:
        with box.unit(ana.tenant_id) as uow:
            actions.drop_feed(uow, number)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
        assert closed.value.rcvd.code == 1008


def test_a_key_that_calls_much_goes_on_hearing(box, ana, number, make_key, site, monkeypatch, run_deliveries):
    monkeypatch.setattr("appliance.entrypoints.hearing.RECHECK_S", 0.0)
    monkeypatch.setattr("appliance.core.live.KEEP_ALIVE_S", 0.1)
    with box.unit(ana.tenant_id) as uow:
        actions.set_feed(uow, number, FeedIn())
    headers = {"X-API-Key": make_key("feeds:write", rate_limit=1)}
    with connect(f"{site.url.replace('http', 'ws')}/ws/whatsapp/{number}", additional_headers=headers) as socket:
        time.sleep(0.5)  # it is asked several times whether it may still hear
        tell_state(box, ana, number, run_deliveries)
        assert "connection.update" in json.loads(socket.recv(LIMIT_S))


@pytest.mark.parametrize("path", ["ws?topics=sessions", "ws/whatsapp/{number}"])
def test_an_open_socket_hears_everything_however_slowly_it_opened(box, ana, number, make_key, site, monkeypatch, run_deliveries, path):  # noqa: PLR0917 - fixtures
    latest = Hub._latest
    monkeypatch.setattr(Hub, "_latest", lambda hub, tenant_id: (time.sleep(1), latest(hub, tenant_id))[1])
    with box.unit(ana.tenant_id) as uow:
        actions.set_feed(uow, number, FeedIn())
    address = f"{site.url.replace('http', 'ws')}/{path.format(number=number)}"
    with connect(address, additional_headers={"X-API-Key": make_key("feeds:write", "channels:read")}) as socket:
        tell_state(box, ana, number, run_deliveries)
        assert str(number) in socket.recv(LIMIT_S)


def tell_state(box, ana, number, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        channels.show_connecting(uow, number)
    run_deliveries()


def test_a_number_of_another_company_is_not_heard(box, number, site, new_tenant, key):
    with box.unit(new_tenant()) as uow:
        other = channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Outra")).id
        actions.set_feed(uow, other, FeedIn())
    with pytest.raises(InvalidStatus, match="404"):
        connect(f"{site.url.replace('http', 'ws')}/ws/whatsapp/{other}", additional_headers={"X-API-Key": key})


def test_a_program_follows_the_topics_it_asks_for(box, ana, number, make_key, site):
    address = f"{site.url.replace('http', 'ws')}/ws"
    key, narrow = make_key("conversations:read", "channels:read"), make_key("channels:read")
    for path, headers, status in (
        ("", {"Cookie": f"{SESSION_COOKIE}={ana.cookie}"}, 401), ("", {"X-API-Key": narrow}, 403), ("?topics=all", {"X-API-Key": key}, 422),
    ):  # fmt: skip
        with pytest.raises(InvalidStatus, match=str(status)):
            connect(f"{address}{path}", additional_headers=headers)
    with connect(f"{address}?last=0", additional_headers={"X-API-Key": key}) as everything:
        with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
            phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
            channels.receive_simulated(uow, phone, visitor="bia", name="Bia", text="segredo")
            channels.show_connecting(uow, number)
        frames = [json.loads(everything.recv(LIMIT_S))]
        while frames[-1]["event"] != "link.changed":
            frames.append(json.loads(everything.recv(LIMIT_S)))
    assert ("inbox", "message.received") in {(frame["topic"], frame["event"]) for frame in frames}
    assert "segredo" not in json.dumps(frames)
    linked = frames[-1]
    assert (linked["topic"], linked["ids"]["channel_id"]) == ("sessions", str(number))
    with connect(f"{address}?topics=sessions&last={linked['seq'] - 1}", additional_headers={"X-API-Key": narrow}) as again:
        assert json.loads(again.recv(LIMIT_S)) == linked


def test_a_program_whose_key_is_taken_back_hears_no_more(box, ana, number, make_key, site, monkeypatch):
    monkeypatch.setattr("appliance.entrypoints.hearing.RECHECK_S", 0.0)
    monkeypatch.setattr("appliance.core.live.KEEP_ALIVE_S", 0.1)
    key = make_key("channels:read")
    with connect(f"{site.url.replace('http', 'ws')}/ws?topics=sessions", additional_headers={"X-API-Key": key}) as socket:
        with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
            identity.revoke_api_key(uow, known.list_api_keys(uow)[0].id)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
        assert closed.value.rcvd.code == 1008
