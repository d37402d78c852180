"""A mailbox is connected in the browser, its mail is answered in the inbox, and the answer is a mail."""

import pytest
from playwright.sync_api import expect

from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.email import reading
from appliance.domains.channels.gateways.email.mail import Kept, Spot
from tests.draining import run_due
from tests.peers import dovecot
from tests.peers.smtp import PASSWORD, USER, SmtpPeer
from tests.webui.sending import send

pytestmark = [
    pytest.mark.only_database("sqlite"), pytest.mark.browser,
    pytest.mark.skipif(dovecot.PROGRAM is None, reason="Dovecot is not installed (apt-get install dovecot-imapd)"),
]
MAIL = b"""From: Bia Reis <bia@cliente.example>
Message-ID: <um@cliente.example>
Subject: =?utf-8?q?Or=C3=A7amento?=
Content-Type: text/html

<p>Quanto custa <b>o kit</b>?</p><script>alert(1)</script><blockquote>antigo</blockquote>
"""


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"network": settings.network.model_copy(update={"private_hosts": ("127.0.0.1",), "timeout_s": 20.0})})


@pytest.fixture
def servers():
    peer = SmtpPeer()
    peer.start()
    with dovecot.Dovecot() as mailbox:
        yield mailbox, peer
    peer.stop()


def come_in(box, tenant_id):
    with box.unit(tenant_id) as uow:
        [channel] = queries.list_channels(uow)
        actions.open_mailbox(uow, channel.id, source="x", validity=1, last_uid=0)
        actions.take_in_mail(uow, channel.id, reading.read(MAIL), Kept("um@cliente.example", uow.now), Spot(1, 1))


def test_from_the_form_to_the_answered_mail(box, ana, new_context, servers):
    mailbox, post_office = servers
    page = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    page.goto("/channels/new")
    send(page.get_by_role("link", name="E-mail"))
    for label, value in (
        ("Nome dentro da empresa", "Vendas"), ("Endereço", "vendas@solara.example"), ("Usuário", USER),
        ("Servidor IMAP", "127.0.0.1"), ("Porta do IMAP", str(mailbox.port)),
        ("Servidor SMTP", "127.0.0.1"), ("Porta do SMTP", str(post_office.port)),
    ):
        page.get_by_label(label).fill(value)
    page.get_by_label("Senha", exact=True).fill(PASSWORD)
    for label in ("Criptografia do IMAP", "Criptografia do SMTP"):
        page.get_by_label(label).select_option("none")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("aparecem na caixa de entrada").wait_for()
    page.get_by_text("Ainda não lida").wait_for()
    page.get_by_role("button", name="Testar a conexão").click()
    page.get_by_text("cada servidor informado aceitou vendas@solara.example").wait_for()
    come_in(box, ana.tenant_id)
    page.reload()
    page.get_by_text("Em leitura").wait_for()
    page.goto("/inbox")
    page.get_by_text("Bia Reis").first.click()
    bubble = page.locator(".msg.in[data-message]")
    bubble.get_by_text("Orçamento").wait_for()
    expect(bubble).to_contain_text("Quanto custa o kit?")
    expect(bubble).not_to_contain_text("antigo")
    page.get_by_label("Mensagem para Bia Reis").fill("Custa R$ 900.")
    page.keyboard.press("Control+Enter")
    page.locator(".msg.out[data-message]", has_text="R$ 900").wait_for()
    run_due(box)
    assert b"Subject: Re: =?utf-8?q?Or=C3=A7amento?=" in post_office.taken[0].content
