"""A mail is begun on a page, and the inbox is narrowed to what the box noticed."""

import re
from io import BytesIO

import pytest

from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ChannelIn, TemplateIn
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.identity.types import SESSION_COOKIE
from tests.draining import run_due

pytestmark = pytest.mark.only_database("sqlite")
MAILBOX = {"address": "vendas@solara.example", "imap_host": "mail.solara.example", "smtp_host": "mail.solara.example"}


@pytest.fixture
def ana_at_home(site, ana):
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    return client


@pytest.fixture
def write(ana_at_home):
    def post(**typed):
        token = re.search(r'name="csrf-token" content="([^"]+)"', ana_at_home.get("/inbox/mail").text)[1]
        return ana_at_home.post("/inbox/mail", data={"csrf_token": token, **typed})

    return post


@pytest.fixture
def mailbox(box, ana):
    with box.unit(ana.tenant_id) as uow:
        given = ChannelIn(kind="email", name="Vendas", config=MAILBOX, secrets={"user": "a", "password": "b"})
        return actions.create_channel(uow, given).id


def test_a_mail_is_begun_from_a_contact_and_opens_its_conversation(box, ana, ana_at_home, mailbox, write):
    with box.unit(ana.tenant_id) as uow:
        person = contacts.upsert_contact(uow, (Identity(IdentityKind.EMAIL, "bia@cliente.example"),), one_person=True).id
        said = ConsentIn(channel=Medium.EMAIL, purpose=Purpose.SERVICE, mode=ConsentMode.OPT_IN, source="form", evidence={})
        contacts.record_consent(uow, person, said)
    assert 'value="bia@cliente.example"' in ana_at_home.get(f"/inbox/mail?contact={person}").text
    typed = {"channel_id": str(mailbox), "to": "bia@cliente.example", "cc": "caio@cliente.example; dani@cliente.example"}
    answer = write(**typed, subject="Proposta", text="Segue.")
    assert answer.status_code == 302, answer.text
    thread = ana_at_home.get(answer.location).text
    assert "Proposta" in thread
    assert "caio@cliente.example, dani@cliente.example" in thread


def test_what_was_typed_stays_beside_what_is_wrong(mailbox, write):
    answer = write(channel_id=str(mailbox), to="bia@cliente.example", cc="caio@", subject="Proposta", text="Segue a proposta de hoje.")
    assert answer.status_code == 422
    assert "ana@example.com" in answer.text
    assert 'value="caio@"' in answer.text
    assert "Segue a proposta de hoje." in answer.text


def test_who_did_not_agree_is_not_written_to_and_the_page_says_so(mailbox, write):
    answer = write(channel_id=str(mailbox), to="estranho@cliente.example", subject="Oi", text="Oferta")
    assert answer.status_code == 422
    assert "form-error" in answer.text or "banner" in answer.text


def test_a_begun_mail_takes_a_file_and_a_refused_one_leaves_none_behind(box, ana, ana_at_home, mailbox, write):
    with box.unit(ana.tenant_id) as uow:
        person = contacts.upsert_contact(uow, (Identity(IdentityKind.EMAIL, "bia@cliente.example"),), one_person=True).id
        said = ConsentIn(channel=Medium.EMAIL, purpose=Purpose.SERVICE, mode=ConsentMode.OPT_IN, source="form", evidence={})
        contacts.record_consent(uow, person, said)
    typed = {"channel_id": str(mailbox), "subject": "Proposta", "text": "Segue."}
    refused = write(**typed, to="estranho@cliente.example", file=(BytesIO(b"%PDF-1.7 x"), "proposta.pdf"))
    assert refused.status_code == 422
    assert "Escolha o arquivo de novo." in refused.text
    stored = [path for path in box.settings.home.rglob("blobs/*/*/*") if path.is_file()]
    assert stored == []
    answer = write(**typed, to="bia@cliente.example", file=(BytesIO(b"%PDF-1.7 x"), "proposta.pdf"))
    assert answer.status_code == 302, answer.text
    assert "proposta.pdf" in ana_at_home.get(answer.location).text


def test_without_a_mailbox_there_is_no_form(ana_at_home):
    assert "<textarea" not in ana_at_home.get("/inbox/mail").text


def test_the_inbox_is_narrowed_to_a_signal_and_to_a_subject(box, ana, ana_at_home):
    with box.unit(ana.tenant_id) as uow:
        agent = agents.create_agent(uow, AgentIn(name="Lia", settings=AgentSettings(debounce_ms=0)), publish_now=True).id
        channel = actions.create_channel(uow, ChannelIn(kind="simulator", name="S", agent_id=agent)).id
        for name, text in (("Bia Reis", "quanto custa o kit?"), ("Caio Melo", "isso é um absurdo, já pedi três vezes")):
            actions.receive_simulated(uow, channel, visitor=name, name=name, text=text, client_id=new_id().hex)
    run_due(box)
    complaints, prices = (ana_at_home.get(f"/inbox?{wanted}").text for wanted in ("signal=complaint", "topic=price"))
    assert ("Caio Melo" in complaints, "Bia Reis" in complaints) == (True, False)
    assert ("Caio Melo" in prices, "Bia Reis" in prices) == (False, True)


def test_a_mail_begins_with_a_template_filled_for_its_reader(ana_at_home, box, ana, mailbox):
    assert mailbox
    parts = {"header": "Proposta para {{contact.company}}", "body": "Olá {{contact.first_name|tudo bem}}!"}
    wanted = {"kind": "email", "parts": parts}
    with box.unit(ana.tenant_id) as uow:
        bia = contacts.create_contact(uow, ContactFields(name="Bia Reis", company="Manacá", email="bia@manaca.example")).id
        made = actions.create_template(uow, TemplateIn.model_validate({**wanted, "name": "Proposta"})).id
        actions.create_template(uow, TemplateIn.model_validate({**wanted, "name": "Oferta", "category": "marketing"}))
    said = ana_at_home.get(f"/inbox/mail?contact={bia}&template={made}").text
    assert "Proposta para Manacá" in said
    assert "Olá Bia!" in said
    assert "Oferta" not in said  # advertising begins with nobody
    assert "Olá tudo bem!" in ana_at_home.get(f"/inbox/mail?template={made}").text
    assert ana_at_home.get("/inbox/mail?template=").status_code == 200
