"""Who asks for silence by e-mail, and who else writes into their thread: each speaks for themself."""

import itertools
from datetime import timedelta
from email import message_from_bytes

import pytest

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.email import reading
from appliance.domains.channels.gateways.email.mail import Kept, Spot
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries
from appliance.domains.conversations.types import Direction
from tests.domains.channels.email.conftest import mail

DISOWNED = "mx.solara.example; spf=fail smtp.mailfrom=x.example; dmarc=fail header.from=cliente.example"
FILE = {"filename": "conta.pdf", "mime_type": "application/pdf"}
CARLOS = "Carlos <carlos@cliente.example>"


@pytest.fixture
def comes(box, tenant_id, channel_id):
    """A mail that was written so many minutes after the first; the others answer the first."""
    begun, numbers = clock.now() - timedelta(hours=1), itertools.count(1)

    def come(minute, text, *, files=(), **how):
        number = next(numbers)
        answers = {"References": "<m1@x.example>"} if number > 1 else {}
        read = reading.read(mail(text, message_id=f"<m{number}@x.example>", **answers, **how).as_bytes())
        with box.unit(tenant_id) as uow:
            if number == 1:
                actions.open_mailbox(uow, channel_id, source="x", validity=1, last_uid=0)
            kept = Kept(read.message_id, begun + timedelta(minutes=minute), files)
            actions.take_in_mail(uow, channel_id, read, kept, Spot(number, 1))

    return come


@pytest.fixture
def is_silent(box, tenant_id, inbox):
    def ask():
        [(conversation, _messages)] = inbox()
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.is_silenced(uow, conversation)

    return ask


@pytest.mark.parametrize("text", ["Estou de férias.", ""])
def test_an_automatic_mail_ends_no_silence_with_its_file_either(comes, is_silent, inbox, text):
    comes(0, "PARAR")
    comes(5, text, files=(FILE, FILE), Auto_Submitted="auto-replied")
    assert is_silent()
    parts = [one.content["mail"] for one in inbox()[0][1] if one.direction is Direction.INBOUND][1:]
    assert all(one["automatic"] for one in parts)
    assert [one.get("part") for one in parts] == [None, 1, 2]
    comes(6, "voltei", files=(FILE,))
    assert not is_silent()


def test_a_stop_that_comes_late_is_not_gainsaid_by_the_file_of_a_program(comes, is_silent):
    comes(0, "oi")
    comes(5, "Estou de férias.", files=(FILE,), Auto_Submitted="auto-replied")
    comes(3, "PARAR")
    assert is_silent()


@pytest.mark.parametrize("how", [{"sender": CARLOS}, {"Authentication_Results": DISOWNED}], ids=["another", "forged"])
def test_nobody_asks_for_silence_or_ends_it_for_somebody_else(comes, is_silent, how):
    comes(0, "Quanto custa?")
    comes(1, "PARAR", **how)
    assert not is_silent()
    comes(2, "PARAR")
    comes(3, "Ainda queremos, sim!", files=(FILE,), **how)
    assert is_silent()
    comes(4, "mudei de ideia")
    assert not is_silent()


def test_from_another_address_of_theirs_they_speak_for_themselves(box, tenant_id, comes, is_silent, inbox):
    comes(0, "Quanto custa?")
    with box.unit(tenant_id) as uow:
        own = (Identity(IdentityKind.EMAIL, "bia@cliente.example"), Identity(IdentityKind.EMAIL, "bia.reis@casa.example"))
        contacts.upsert_contact(uow, own)
    comes(1, "PARAR", sender="Bia <bia.reis@casa.example>")
    assert is_silent()
    comes(2, "voltei", sender="Bia <bia.reis@casa.example>")
    assert not is_silent()
    assert len(inbox()) == 1


def test_an_answer_belongs_to_the_mail_and_not_to_its_file(box, tenant_id, comes, inbox, run_deliveries, post_office):
    comes(0, "Quanto custa?")
    comes(1, "Segue a conta.", sender=CARLOS, files=(FILE,))
    with box.unit(tenant_id) as uow:
        conversations.reply(uow, inbox()[0][0].id, user_id=new_id(), content={"text": "Custa R$ 900."})
    run_deliveries()
    [taken] = post_office.taken
    assert message_from_bytes(taken.content)["In-Reply-To"] == "<m2@x.example>"
