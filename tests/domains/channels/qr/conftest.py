"""A linked number with everything real but WhatsApp itself: supervisor, child process, sockets, database."""

import contextlib
import shutil
import threading
import time

import pytest

from appliance.core import memory
from appliance.core.config import NetworkMode
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION, LinkState
from appliance.entrypoints.lives import Patience
from appliance.entrypoints.sessions import Sessions
from tests.peers.phones import ME, Phones

DRIVER = "tests.domains.channels.qr.driver"
QUICK = Patience(look=0.1, glance=0.1, start=90, qr=60, opening=60, reopening=60, ping=5, silence=60, burst=0.05, retries=0.02)
ANA = Actor("user", new_id(), "Ana Prado")


@pytest.fixture
def settings(settings):
    yield settings.model_copy(update={"network": settings.network.model_copy(update={"mode": NetworkMode.CONNECTED})})
    shutil.rmtree(memory.keys_folder(settings.home))  # what a killed supervisor leaves for the next


@pytest.fixture
def phones(monkeypatch):
    peer = Phones()
    monkeypatch.setenv("HTTPS_PROXY", peer.address)
    yield peer
    peer.close()


@pytest.fixture
def number(box, tenant_id):
    """A channel whose risk somebody signed for."""
    with box.unit(tenant_id, ANA) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        actions.accept_risk(uow, channel.id, RISK_VERSION)
        return channel.id


@pytest.fixture
def patience():
    return QUICK


@contextlib.contextmanager
def watching(box, **options):
    """The supervisor of sessions at work; `options` are its own."""
    sessions = Sessions(box, **options)
    sessions.open_door()
    thread = threading.Thread(target=sessions.watch, daemon=True)
    thread.start()
    try:
        yield sessions
    finally:
        sessions.stop()
        thread.join(60)


@pytest.fixture
def watch(box, phones, patience):
    """Starts a supervisor; it can be stopped and started again."""
    with contextlib.ExitStack() as running:
        yield lambda: running.enter_context(watching(box, driver=DRIVER, patience=patience))


@pytest.fixture
def link(box, tenant_id, number):
    """The link's row as it is now."""

    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            found = queries.get_link(uow, number)
            assert found.store is None or found.store
            return found

    return read


@pytest.fixture
def await_link(link):
    def wait(condition, timeout_s=60):
        if isinstance(condition, LinkState):
            state = condition
            return wait(lambda row: row.state is state, timeout_s)
        deadline = time.monotonic() + timeout_s
        while not condition(row := link()):
            assert time.monotonic() < deadline, (row.state, row.ending, row.code, row.last_error)
            time.sleep(0.05)
        return row

    return wait


@pytest.fixture
def begin(box, tenant_id, number):
    def ask(**given):
        with box.unit(tenant_id, ANA) as uow:
            actions.begin_link(uow, number, **given)

    return ask


@pytest.fixture
def opened(watch, begin, phones, await_link):
    """Linked by QR, from nothing."""
    sessions = watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@first", 20))
    await_link(LinkState.QR)
    phones.say(wire.Paired(ME, "900@lid", "android"))
    phones.say(wire.Open(ME, "900@lid", "Loja"))
    await_link(LinkState.OPEN)
    await_link(lambda row: row.store is not None)
    return sessions


def said(text="Oi", wamid="3A01", *, phone="5531999990001", lid="111222333444555", **given):
    key = wire.Key(f"{phone}@s.whatsapp.net", wamid, remote_jid_alt=f"{lid}@lid", **given.pop("key", {}))
    return wire.Message(key, "Davi", int(time.time()), given.pop("kind", "text"), given.pop("content", {"text": text}), **given)
