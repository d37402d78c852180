"""Taking leave with the real library: the phone is told, the keys are destroyed."""

import pytest

from appliance.domains.channels import actions
from appliance.domains.channels.types import Ending, LinkState
from appliance.entrypoints.lives import Patience
from tests.domains.channels.qr.conftest import watching
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from tests.peers.whatsapp.child import environment, whatsapp

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def peer(tmp_path, monkeypatch):
    with whatsapp(tmp_path) as (peer, libraries):
        for name, value in environment(peer, libraries).items():
            monkeypatch.setenv(name, value)
        yield peer


@pytest.fixture
def sessions(box, peer):
    with watching(box, patience=Patience(look=0.1, glance=0.1, burst=0.2, retries=0.05)) as running:
        yield running


def test_it_is_unlinked_at_the_phone_too(sessions, begin, peer, await_link, box, tenant_id, number):
    begin()
    peer.scan(await_link(lambda row: row.qr is not None, 60).qr)
    await_link(LinkState.OPEN, 60)
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
    row = await_link(lambda row: row.store is None and not row.leaving, 60)
    assert row.ending is Ending.UNLINKED
    assert sessions.links == {} or not sessions.links[number].is_open
