"""The address by which a mail server hands mails over: opened on the channel's page, whose examples work as they stand."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

from appliance.core.web import PageQuery
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelOut
from appliance.domains.conversations import queries as conversations
from tests.draining import run_due
from tests.webui.axe import violations
from webui.studio.kinds.email import EMAIL_PAGE

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
CONFIG = {"address": "vendas@solara.example", "smtp_host": "127.0.0.1", "smtp_security": "none"}
MAIL = b"From: Rui <rui@cliente.example>\nTo: vendas@solara.example\nSubject: Oi\nMessage-ID: <r1@cliente.example>\n\nPelo Postfix.\n"


@pytest.fixture
def letterbox(box, site, new_context, ana):
    """A channel without a mailbox, its address just opened, as Ana sees it; addresses in what the page says lead to the test's server."""
    secrets = {"user": "a", "password": "b"}
    with box.unit(ana.tenant_id) as uow:
        made = actions.create_channel(uow, ChannelIn(kind="email", name="Vendas", config=CONFIG, secrets=secrets))
    page = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"/channels/{made.id}")
    page.get_by_role("button", name="Abrir um endereço").click()
    page.get_by_text("Copie o segredo agora").wait_for()
    return page


def example(box, site, page, element):
    return page.inner_text(element).replace(box.settings.public_url, site.url)


def subjects(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        found = conversations.list_conversations(uow, conversations.InboxFilter(), PageQuery()).items
        return {one.address: [message.content["mail"]["subject"] for message in conversations.list_messages(uow, one.id)] for one in found}


def test_the_examples_of_the_page_hand_mails_over_as_they_stand(box, site, ana, letterbox, tmp_path):
    page, secret = letterbox, letterbox.inner_text("#posting-secret")
    said = subprocess.run(["bash", "-c", example(box, site, page, "#curl")], capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(said)["state"] == "waiting"
    kept, script = tmp_path / "secret", tmp_path / "hand-over-mail"
    kept.write_text(secret + "\n")
    script.write_text(example(box, site, page, "#pipe").replace("/etc/hand-over-mail.secret", str(kept)))
    results = [subprocess.run(["sh", str(script)], input=given, check=False, timeout=60).returncode for given in (MAIL, MAIL, b"{}")]
    kept.write_text("another")
    results.append(subprocess.run(["sh", str(script)], input=MAIL, check=False, timeout=60).returncode)
    assert results == [0, 0, 65, 75]
    run_due(box)
    assert subjects(box, ana.tenant_id) == {"maria@exemplo.com.br": ["Um teste"], "rui@cliente.example": ["Oi"]}


def test_the_secret_is_shown_once_and_the_address_is_closed(box, ana, letterbox):
    page, secret = letterbox, letterbox.inner_text("#posting-secret")
    assert violations(page) == []
    expect(page).not_to_have_url(re.compile("/letterbox$"))  # reloading makes no second secret
    page.reload()
    assert secret not in page.content()
    page.get_by_text("Nada foi entregue ainda").wait_for()
    page.get_by_role("button", name="Fechar", exact=True).click()
    page.get_by_role("button", name="Fechar o endereço").click()
    page.get_by_role("button", name="Abrir um endereço").wait_for()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        assert queries.POSTING not in queries.list_channels(uow)[0].secrets


def test_the_form_asks_for_a_mailbox_only_where_one_is_read(new_context, ana, box):
    page = new_context(ana, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/channels/new?kind=email")
    given = {"Nome dentro da empresa": "Vendas", "Endereço": "v@solara.example", "Usuário": "u", "Servidor SMTP": "127.0.0.1"}
    for label, value in given.items():
        page.get_by_label(label).fill(value)
    page.get_by_label("Senha", exact=True).fill("p")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Informe o servidor em que a caixa de correio é lida").wait_for()
    page.get_by_label("Só o que outro programa entrega").check()
    expect(page.get_by_label("Servidor IMAP")).to_be_hidden()
    assert violations(page) == []
    page.get_by_label("Senha", exact=True).fill("p")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Salvo. Agora abra o endereço abaixo.").wait_for()
    assert page.eval_on_selector("#h-letterbox", "it => getComputedStyle(it).whiteSpace") == "normal"
    page.get_by_role("button", name="Abrir um endereço").wait_for()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        made = queries.list_channels(uow)[0]
        assert made.config["imap_host"] == ""
        assert EMAIL_PAGE.around(box, ChannelOut.model_validate(made))["tests"] != EMAIL_PAGE.tests
