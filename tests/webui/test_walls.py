"""A box that may not call a channel's provider says so before anything is filled in, with the file and the lines."""

import re
import tomllib

import pytest

from appliance.core.config import NetworkMode, NetworkSettings, config_file
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION
from appliance.domains.feeds import actions as feeds
from appliance.domains.feeds.schemas import FeedIn
from webui.studio.kinds.qr import HOSTS
from webui.studio.kinds.walls import wall_before

pytestmark = pytest.mark.only_database("sqlite")
MAILBOX = {
    "name": "Vendas", "address": "vendas@solara.example", "user": "vendas", "password": "segredo", "folder": "INBOX",
    "imap_host": "imap.solara.example", "imap_port": "993", "imap_security": "tls",
    "smtp_host": "smtp.solara.example", "smtp_port": "465", "smtp_security": "tls",
}  # fmt: skip


SEALED = {"name", "user", "password"}
KEYS = {"access_token": "t", "app_secret": "s", "verify_token": "v"}


@pytest.fixture
def visit(app, browser_headers):
    """What a page says; with fields, what the page that follows its form says."""
    client = app.test_client()

    def to(where, **fields):
        page = client.get(where, headers=browser_headers).text
        if fields:
            token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
            page = client.post(where, data={**fields, "csrf_token": token}, headers=browser_headers, follow_redirects=True).text
        return page

    return to


@pytest.fixture
def walled(box):
    def put(**network):
        box.outbound._settings = NetworkSettings(**network)
        object.__setattr__(box.settings, "network", box.outbound._settings)
        return box

    return put


def test_the_lines_open_the_way_and_keep_what_was_open(walled):
    wall = wall_before(walled(mode=NetworkMode.ALLOW_LISTED, allowed_hosts=("a.example",)), ("b.example",))
    assert tomllib.loads(wall.lines) == {"network": {"mode": "allow-listed", "allowed_hosts": ["a.example", "b.example"]}}
    sealed = tomllib.loads(wall_before(walled(), ("b.example", "c.example")).lines)["network"]
    box = walled(**sealed)
    assert wall_before(box, ("b.example", "c.example")) is None
    assert wall_before(walled(mode=NetworkMode.CONNECTED), ("b.example",)) is None
    assert wall_before(walled(private_hosts=("mail.lan",)), ("mail.lan", "")) is None


def test_an_address_of_the_own_network_is_opened_as_one(walled):
    wall = wall_before(walled(), ("10.0.0.7",))
    assert tomllib.loads(wall.lines) == {"network": {"private_hosts": ["10.0.0.7"]}}
    both = tomllib.loads(wall_before(walled(), ("b.example", "10.0.0.7")).lines)["network"]
    assert wall_before(walled(**both), ("b.example", "10.0.0.7")) is None


def test_a_section_that_stands_already_is_replaced_whole(walled, visit, monkeypatch, tmp_path):
    file = tmp_path / "config.toml"
    monkeypatch.setenv("SALESEDGE_CONFIG", str(file))
    box = walled(private_hosts=("ollama.lan",), timeout_s=7.5)
    wall = wall_before(box, ("b.example",))
    open_ = {"mode": "allow-listed", "allowed_hosts": ["b.example"], "private_hosts": ["ollama.lan"], "timeout_s": 7.5}
    assert (tomllib.loads(wall.lines), wall.replaces) == ({"network": open_}, False)
    file.write_text('[network]\nprivate_hosts = ["ollama.lan"]\ntimeout_s = 7.5\n', encoding="utf-8")
    assert wall_before(box, ("b.example",)).replaces
    assert "troque a seção [network] por estas linhas" in visit("/channels/new?kind=whatsapp_qr")


def test_the_form_says_so_at_its_top(app, browser_headers, walled):
    client = app.test_client()
    walled()
    page = client.get("/channels/new?kind=whatsapp_qr", headers=browser_headers).text
    lines = page.index('id="wall-lines"')
    assert 0 < page.index(str(config_file())) < lines < page.index("mmg.whatsapp.net", lines) < page.index('name="name"')
    walled(mode=NetworkMode.CONNECTED)
    assert "[network]" not in client.get("/channels/new?kind=whatsapp_qr", headers=browser_headers).text


def test_a_new_mailbox_gets_its_lines_once_its_servers_are_known(walled, visit):
    walled()
    page = visit("/channels/new?kind=email")
    assert (page.index("está lacrado") < page.index('name="name"'), 'id="wall-lines"' in page) == (True, False)
    saved = visit("/channels/new?kind=email", **MAILBOX)
    assert "Começa depois de aberto o caminho" in saved
    assert "depois de aberto o caminho. Os e-mails" in saved
    assert ("em segundos" in saved, "&#34;imap.solara.example&#34;, &#34;smtp.solara.example&#34;" in saved) == (False, True)


def test_a_number_behind_a_wall_shows_no_button_that_can_only_fail(box, tenant_id, visit, walled):
    walled()
    with box.unit(tenant_id, Actor("user", new_id(), "Ana")) as uow:
        number = channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
        channels.accept_risk(uow, number, RISK_VERSION)
        feeds.set_feed(uow, number, FeedIn(url="https://n8n.example/hook"))
    page = visit(f"/channels/{number}")
    assert re.search(r'<button[^>]* disabled[^>]* aria-describedby="why-blocked"', page)
    assert 'id="why-blocked"' in page
    assert re.search(r'<button[^>]*/feed/test"[^>]* disabled[^>]* aria-describedby="why-silent"', page)
    assert (page.count("[network]"), page.count("&#34;n8n.example&#34;")) == (2, 1)  # the sentence and the lines
    walled(mode=NetworkMode.ALLOW_LISTED, allowed_hosts=HOSTS)
    page = visit(f"/channels/{number}")
    assert ("why-blocked" in page, 'id="wall-lines"' in page, 'id="feed-wall-lines"' in page) == (False, False, True)


@pytest.mark.parametrize(("kind", "config", "given"), [
    ("whatsapp_cloud", {}, {"external_id": "105954558954427", "secrets": KEYS}),
    ("email", {key: value for key, value in MAILBOX.items() if key not in SEALED}, {"secrets": {"user": "vendas", "password": "segredo"}}),
])
def test_a_channel_behind_a_wall_says_why_it_cannot_be_tested_before_the_click(kind, config, given, box, tenant_id, visit, walled):
    walled()
    with box.unit(tenant_id) as uow:
        made = channels.create_channel(uow, ChannelIn(kind=kind, name="Loja", config=config, **given)).id
    page = visit(f"/channels/{made}")
    assert re.search(r'<button[^>]*/check"[^>]* disabled[^>]* aria-describedby="why-untested"', page)
    assert re.search(r'id="why-untested">Possível depois', page)
    assert 'id="wall-lines"' in page
    walled(mode=NetworkMode.CONNECTED)
    assert "why-untested" not in visit(f"/channels/{made}")


def test_a_sealed_box_says_why_templates_cannot_be_fetched(box, tenant_id, visit, walled):
    walled()
    with box.unit(tenant_id) as uow:
        account = {"external_id": "105954558954427", "config": {"waba_id": "105"}, "secrets": KEYS}
        channels.create_channel(uow, ChannelIn(kind="whatsapp_cloud", name="Loja", **account))
    page = visit("/templates")
    assert re.search(r'<button[^>]* disabled[^>]* aria-describedby="why-blocked"', page)
    assert re.search(r'id="why-blocked">O SalesEdge está lacrado', page)
    walled(mode=NetworkMode.CONNECTED)
    assert "why-blocked" not in visit("/templates")


def test_a_kind_that_calls_nobody_has_nothing_to_open(app, browser_headers):
    page = app.test_client().get("/channels/new?kind=webchat", headers=browser_headers)
    assert (page.status_code, "[network]" in page.text) == (200, False)
