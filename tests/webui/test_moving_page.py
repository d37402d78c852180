"""In the browser a number moves to the Cloud API by one form, once its phone was unlinked."""

import pytest

from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION, WHATSAPP_CLOUD

pytestmark = pytest.mark.only_database("sqlite")
KEYS = {"external_id": "106540352242922", "access_token": "EAAG", "app_secret": "s", "verify_token": "v", "waba_id": "77"}


@pytest.fixture
def number(box, tenant_id):
    with box.unit(tenant_id) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        actions.accept_risk(uow, channel.id, RISK_VERSION)
        return channel.id


@pytest.fixture
def submit(app, browser_headers):
    """A form of ours, with its token."""
    client = app.test_client()

    def send(path, **form):
        page = client.get(path, headers=browser_headers)
        token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
        return client.post(path, data={"csrf_token": token, **form}, headers=browser_headers)

    return client, send


def test_the_form_moves_the_number_and_leads_back_to_the_channel(submit, number, box, tenant_id, browser_headers):
    client, send = submit
    assert f"/channels/{number}/move" in client.get(f"/channels/{number}", headers=browser_headers).text
    wrong = send(f"/channels/{number}/move", **{**KEYS, "external_id": "none"})
    assert (wrong.status_code, 'value="none"' in wrong.text) == (422, True)
    moved = send(f"/channels/{number}/move", **KEYS)
    assert (moved.status_code, moved.headers["Location"]) == (302, f"/channels/{number}")
    with box.unit(tenant_id, read_only=True) as uow:
        channel = queries.get_channel(uow, number)
        assert (channel.kind, channel.config["waba_id"]) == (WHATSAPP_CLOUD, "77")
    assert client.get(f"/channels/{number}/move", headers=browser_headers).status_code == 404


def test_a_number_that_is_linked_shows_no_form(submit, number, box, tenant_id, browser_headers):
    client, _send = submit
    with box.unit(tenant_id) as uow:
        actions.note_open(uow, number, jid="5511@s.whatsapp.net", lid="", push_name="Loja")
    assert 'name="external_id"' not in client.get(f"/channels/{number}/move", headers=browser_headers).text
