"""Linking a number in the browser, with a real child behind it: signed, shown, rotated, typed, open, ended."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.core import memory
from appliance.core.config import NetworkMode
from appliance.core.uow import Actor
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION, Ending
from tests.domains.channels.qr.conftest import DRIVER, QUICK, watching
from tests.peers.phones import ME, OPEN, Phones
from tests.webui.conftest import ANA
from tests.webui.looking import look
from webui.studio.kinds.qr import draw

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def settings(settings):
    yield settings.model_copy(update={"network": settings.network.model_copy(update={"mode": NetworkMode.CONNECTED})})
    shutil.rmtree(memory.keys_folder(settings.home))


@pytest.fixture
def phones(monkeypatch):
    peer = Phones()
    monkeypatch.setenv("HTTPS_PROXY", peer.address)
    yield peer
    peer.close()


@pytest.fixture
def watched(box, phones):
    with watching(box, driver=DRIVER, patience=replace(QUICK, qr=600, grace=600)) as sessions:
        yield sessions


@pytest.fixture
def number(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Feiras e eventos")).id


@pytest.mark.browser
@pytest.mark.usefixtures("watched")
def test_a_number_is_linked_without_a_reload(ana, number, phones, new_context):
    page = new_context(ana).new_page()
    page.goto(f"/channels/{number}")
    look(page, "1-risk")
    page.get_by_label("Li isto e aceito o risco").check()
    page.get_by_role("button", name="Assinar").click()
    page.get_by_role("button", name="Mostrar o código").click()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("https://wa.me/settings/linked_devices#2@" + "a" * 180, 20))
    page.get_by_role("img", name="Código QR").wait_for()
    page.get_by_text("código 1").wait_for()
    look(page, "2-qr")
    page.evaluate("window.sameDocument = true")
    phones.say(wire.Qr("https://wa.me/settings/linked_devices#2@" + "b" * 180, 200))
    page.get_by_text("código 2").wait_for()
    page.locator("[data-seconds-left]", has_text=re.compile(r"^1\d\d s$")).wait_for()  # its time runs
    page.get_by_label("Sem câmera?").fill("+55 11 95555-0101")
    page.get_by_role("button", name="Obter um código").click()
    phones.await_(lambda: phones.asked == [{"pair": "5511955550101"}])
    phones.say(wire.Pairing("K7Q4M2RX"))
    page.get_by_text("K7Q4").wait_for()
    look(page, "3-pairing")
    page.get_by_role("button", name="Voltar ao QR").click()
    page.get_by_role("img", name="Código QR").wait_for()
    phones.say(wire.Paired(ME, "900@lid", "android"))
    phones.say(OPEN)
    page.locator(".badge", has_text="Conectado").wait_for()
    page.get_by_role("heading", name="Risco do número").wait_for()
    assert page.evaluate("window.sameDocument")
    look(page, "4-open")
    phones.say(wire.LoggedOut(401, "removed"))
    page.get_by_text("O celular desvinculou esta caixa").wait_for()
    look(page, "5-logged-out")


@pytest.mark.browser
def test_an_unlinking_that_could_not_be_told_says_until_when_and_can_be_cut_short(ana, box, number, new_context):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        actions.accept_risk(uow, number, RISK_VERSION)
        actions.note_open(uow, number, jid=ME, lid="", push_name="Loja")
        actions.unlink(uow, number)
        assert actions.put_off_leaving(uow, number, "no connection in time", attempt=3, retry_at=uow.now + timedelta(minutes=2))
    page = new_context(ana).new_page()
    page.goto(f"/channels/{number}")
    page.get_by_text("O aparelho ainda aparece na lista do telefone").wait_for()
    look(page, "6-leaving")
    page.get_by_role("button", name="Destruir as chaves agora").click()
    page.get_by_text("Faça isso à mão").wait_for()
    look(page, "7-untold")


def test_every_end_is_told_in_words(app, box, tenant_id, browser_headers):
    with box.unit(tenant_id) as uow:
        channel_id = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
        actions.accept_risk(uow, channel_id, RISK_VERSION)
    for ending in Ending:
        with box.unit(tenant_id) as uow:
            actions.end_link(uow, channel_id, ending)
        page = app.test_client().get(f"/channels/{channel_id}", headers={**browser_headers, "Accept-Language": "en"})
        assert page.status_code == 200
        assert (str(queries.explain(ending)).split(".")[0] if ending is not Ending.UNLINKED else "Linking was stopped") in page.text


def test_a_number_that_was_never_linked_has_lost_nothing(app, box, tenant_id, browser_headers):
    with box.unit(tenant_id) as uow:
        channel_id = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
        actions.accept_risk(uow, channel_id, RISK_VERSION)
        actions.begin_link(uow, channel_id)
        actions.note_closed(uow, channel_id, 408, "gone", attempt=2, retry_at=uow.now + timedelta(minutes=1))
    address, english = f"/channels/{channel_id}", {**browser_headers, "Accept-Language": "en"}
    page = app.test_client().get(address, headers=english).text
    assert "there is no code to scan yet" in page
    assert "Stop linking" in page
    for words in ("The connection was lost", "No connection since", 'data-open="unlink"'):
        assert words not in page
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, channel_id)
    page = app.test_client().get(address, headers=english).text
    assert "Linking was stopped" in page
    assert "This number was unlinked here" not in page
    assert "Show the code" in page
    assert "This number was unlinked here" not in app.test_client().get("/channels", headers=english).text


def test_a_number_that_is_switched_off_is_not_said_to_be_tried_again(app, box, tenant_id, browser_headers):
    with box.unit(tenant_id) as uow:
        channel_id = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
        actions.note_open(uow, channel_id, jid=ME, lid="", push_name="Loja")
        queries.get_channel(uow, channel_id).active = False
        queries.get_link(uow, channel_id).wanted = True
        actions.note_stopped(uow, channel_id)
    page = app.test_client().get(f"/channels/{channel_id}", headers={**browser_headers, "Accept-Language": "en"}).text
    assert "The channel is switched off" in page
    assert "tried again by itself" not in page


def test_a_number_that_was_lost_says_since_when_and_can_be_connected_at_once(app, box, tenant_id, browser_headers):
    with box.unit(tenant_id) as uow:
        channel_id = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
        actions.accept_risk(uow, channel_id, RISK_VERSION)
        actions.note_open(uow, channel_id, jid=ME, lid="", push_name="Loja")
        actions.note_closed(uow, channel_id, 408, "gone", attempt=14, retry_at=uow.now + timedelta(minutes=12))
    page = app.test_client().get(f"/channels/{channel_id}", headers={**browser_headers, "Accept-Language": "en"})
    for words in ("No connection since", "Try 14, the next one", "Connect now"):
        assert words in page.text


def test_a_qr_is_drawn_as_its_dark_runs():
    size, path = draw("2@abc")
    assert size == 21
    assert path.startswith("M0 0h7v1h-7z")  # the finder in the corner
