"""A linked number without its phone: what a child would tell is taken in as it is kept, and somebody listens."""

import time

import pytest

from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as links
from appliance.domains.channels.gateways.qr import inbound, wire
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION
from appliance.domains.feeds import actions
from appliance.domains.feeds.schemas import FeedIn
from tests.peers.listener import Listener

ANA = Actor("user", new_id(), "Ana Prado")
PHONE, LID = "5531999990001", "111222333444555"


@pytest.fixture
def settings(settings):
    return settings.model_copy(
        update={"network": settings.network.model_copy(update={"private_hosts": ("127.0.0.1",), "timeout_s": 3.0})}
    )


@pytest.fixture
def listener():
    with Listener() as peer:
        yield peer


@pytest.fixture
def number(box, tenant_id):
    with box.unit(tenant_id, ANA) as uow:
        channel = channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        channels.accept_risk(uow, channel.id, RISK_VERSION)
        return channel.id


@pytest.fixture
def listening(box, tenant_id, number, listener):
    """Sets up who listens; returns the secret."""

    def set_up(**given):
        with box.unit(tenant_id, ANA) as uow:
            return actions.set_feed(uow, number, FeedIn(**{"url": listener.url, **given})).secret

    return set_up


@pytest.fixture
def hear(box, tenant_id, number):
    """What the number's child tells."""

    def take_in(*events):
        with box.unit(tenant_id) as uow:
            changes = [change for event in events for change in inbound.changes_of(wire.encode(event).decode())]
            channels.receive_changes(uow, links.get_channel(uow, number), changes)

    return take_in


def said(text="Oi", wamid="3A01", **given):
    key = wire.Key(f"{PHONE}@s.whatsapp.net", wamid, remote_jid_alt=f"{LID}@lid", **given.pop("key", {}))
    return wire.Message(key, "Davi", int(time.time()), given.pop("kind", "text"), given.pop("content", {"text": text}), **given)
