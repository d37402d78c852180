"""Each kind of channel brings its own form; the view knows none of them."""

import pytest
from sqlalchemy import select

from appliance.core.web import Authenticator, Schema, create_app
from appliance.domains.channels import actions
from appliance.domains.channels.gateways import kinds
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.gateways.simulator import SimulatorTransport
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import Kind
from appliance.domains.contacts.types import Channel as Medium
from appliance.entrypoints.boot import BoxAuthenticator
from tests.peers.graph import NUMBER
from tests.webui.conftest import ANA, PASSWORD
from tests.webui.test_people_pages import Browser
from webui import branding, shell
from webui.studio.kinds import KINDS
from webui.studio.kinds.page import ChannelForm, KindPage

pytestmark = pytest.mark.only_database("sqlite")
NEW = "/channels/new"
CLOUD = {"name": "Loja", "external_id": NUMBER, "access_token": "t", "app_secret": "s", "verify_token": "v"}


class Loft(Schema):
    roof: str
    holes: int


class PigeonGateway(Gateway):
    kind = Kind("pigeon", "Pigeon", Medium.WEBCHAT, needs=frozenset({"coop"}))
    settings = Loft

    def open(self, _box, _account):
        return SimulatorTransport()


class LoftForm(ChannelForm):
    roof: str
    holes: int = 8
    coop: str = ""


@pytest.fixture
def member(box, ana):
    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    browser = Browser(create_app(box, register=shell.register, error_page=shell.error_page))
    browser.send("/login", "/login", email=ANA.email, password=PASSWORD)
    return browser


def channels_of(box, ana):
    with box.unit(ana.tenant_id, read_only=True) as uow:
        return uow.session.scalars(select(Channel)).all()


def test_kinds_are_offered_with_a_sentence_each(member):
    page = member.get("/channels/new").text
    assert all(f"/channels/new?kind={kind.name}" in page and str(kind.says) for kind in KINDS.values())
    assert member.get("/channels/new?kind=owl").status_code == 404


def test_a_form_becomes_settings_and_keys_of_its_kind(member, box, ana, monkeypatch):
    monkeypatch.setitem(kinds.GATEWAYS, "pigeon", PigeonGateway())
    monkeypatch.setitem(KINDS, "pigeon", KindPage("pigeon", form=LoftForm))
    assert member.send(NEW, "/channels/new?kind=pigeon", name="Pombal", roof="red", coop="north").status_code == 302
    [made] = channels_of(box, ana)
    assert (made.config, made.secrets) == ({"roof": "red", "holes": 8}, {"coop": "north"})
    member.send(NEW, f"/channels/{made.id}", name="Pombal", roof="blue", holes="3", active="1", coop="")
    [changed] = channels_of(box, ana)
    assert (changed.config, changed.secrets) == ({"roof": "blue", "holes": 3}, {"coop": "north"})


def test_what_was_refused_is_said_at_its_field_and_what_was_typed_stays(member, box, ana):
    answer = member.send(NEW, "/channels/new?kind=whatsapp_cloud", **{**CLOUD, "external_id": "loja"})
    assert answer.status_code == 422
    assert 'id="f-external_id-error"' in answer.text
    assert 'value="Loja"' in answer.text
    assert channels_of(box, ana) == []


def test_saving_again_does_not_say_connected(member, box, ana):
    member.send(NEW, "/channels/new?kind=whatsapp_cloud", **CLOUD)
    [made] = channels_of(box, ana)
    member.send(NEW, f"/channels/{made.id}", name="Loja", external_id=NUMBER, active="1")
    assert channels_of(box, ana)[0].status == "new"


def test_what_was_not_understood_is_read_where_it_is_listed(box, ana, member):
    member.send("/channels/new?kind=whatsapp_cloud", "/channels/new?kind=whatsapp_cloud", **CLOUD)
    [channel] = channels_of(box, ana)
    with box.unit(ana.tenant_id) as uow:
        actions.keep_rejected(uow, channel.id, [("mail_without_sender", '{"subject": "<b>Orçamento</b>"}')])
    page = member.get("/channels").text
    assert "Um e-mail sem remetente" in page
    assert "Loja · " in page
    assert "&lt;b&gt;Orçamento&lt;/b&gt;" in page
