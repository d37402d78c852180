"""The page behind "unsubscribe": looking changes nothing, the button does."""

import pytest

from appliance.core.web import Authenticator, create_app
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.email import leaving
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Purpose
from appliance.entrypoints.boot import BoxAuthenticator
from tests.webui.test_people_pages import Browser
from webui import branding, shell

pytestmark = pytest.mark.only_database("sqlite")
CONFIG = {"address": "vendas@solara.example", "imap_host": "imap.solara.example", "smtp_host": "smtp.solara.example"}


def test_a_look_changes_nothing_and_the_button_does(box, ana):
    with box.unit(ana.tenant_id) as uow:
        given = ChannelIn(kind="email", name="Vendas", config=CONFIG, secrets={"user": "u", "password": "p"})
        channel_id = actions.create_channel(uow, given).id
        contact_id = contacts.create_contact(uow, ContactFields(name="Bia", email="bia@cliente.example")).id

    def said():
        with box.unit(ana.tenant_id, read_only=True) as uow:
            return people.latest_mode(uow, contact_id, Medium.EMAIL, Purpose.SERVICE)

    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    reader = Browser(create_app(box, register=shell.register, error_page=shell.error_page))
    address = f"/unsubscribe/{channel_id}/{leaving.token_of(box, ana.tenant_id, channel_id, contact_id)}"
    assert "Não quero mais" in reader.get(address).text
    assert said() is None
    assert reader.client.post(f"{address}/confirm").status_code == 403
    assert "Você não recebe mais" in reader.send(address, f"{address}/confirm").text
    assert said() is ConsentMode.OPT_OUT
    assert reader.get(f"{address[:-1]}x").status_code == 404
