import time
from email.message import EmailMessage

import pytest

from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.entrypoints.mail import Watch
from tests.peers import dovecot, smtp

OURS = "vendas@solara.example"


@pytest.fixture(scope="session")
def _imap_server():
    if dovecot.PROGRAM is None:
        pytest.skip("Dovecot is not installed (apt-get install dovecot-imapd)")
    with dovecot.Dovecot() as server:
        yield server


@pytest.fixture
def imap(_imap_server):
    _imap_server.empty()
    return _imap_server


@pytest.fixture(autouse=True)
def _stops_at_once(monkeypatch):
    monkeypatch.setattr("appliance.domains.channels.gateways.email.imap.SLICE_S", 0.05)


@pytest.fixture
def post_office():
    peer = smtp.SmtpPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def settings(settings):
    network = settings.network.model_copy(update={"private_hosts": ("127.0.0.1",), "timeout_s": 20.0})
    return settings.model_copy(update={"network": network})


@pytest.fixture
def config(post_office):
    return {
        "address": OURS, "from_name": "Solara Vendas", "signature": "Solara Energia", "imap_host": "127.0.0.1", "imap_port": 1,
        "imap_security": "none", "smtp_host": "127.0.0.1", "smtp_port": post_office.port, "smtp_security": "none",
    }


@pytest.fixture
def channel_id(box, tenant_id, config):
    given = ChannelIn(kind="email", name="Vendas", config=config, secrets={"user": smtp.USER, "password": smtp.PASSWORD})
    with box.unit(tenant_id) as uow:
        return actions.create_channel(uow, given).id


@pytest.fixture
def reading(channel_id, imap, box, tenant_id):
    """The channel reads the Dovecot's mailbox."""
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(config={"imap_port": imap.port}))
    return channel_id


@pytest.fixture
def account(box, tenant_id, channel_id):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_account(uow, channel_id)

    return read


@pytest.fixture
def until():
    def wait(is_so, *, seconds=60):
        deadline = time.monotonic() + seconds
        while not (found := is_so()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def watch(box, account, reading, until, tenant_id):
    """Somebody reads the mailbox; the first look is over."""
    started = []

    def start():
        watch = Watch(box, account())
        watch.start()
        started.append(watch)
        until(lambda: is_open(box, tenant_id, reading))
        return watch

    yield start
    for one in started:
        one.stop()
        one.join(60)


def is_open(box, tenant_id, channel_id):
    with box.unit(tenant_id, read_only=True) as uow:
        place = queries.find_mailbox(uow, channel_id)
        return place is not None and place.source != "" and place.problem == ""


def mail(text="Quanto custa?", *, message_id="<um@cliente.example>", sender="Bia Reis <bia@cliente.example>", **headers):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, OURS, "Orçamento"
    if message_id:
        made["Message-ID"] = message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made
