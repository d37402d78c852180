"""Whom the box tells by itself that a person will come: nobody whose address a stranger wrote there, and each seldom."""

import itertools

import pytest

from appliance.core.ids import new_id
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.email import reading
from appliance.domains.channels.gateways.email.mail import Kept, Spot
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import Sender
from tests.domains.channels.email.conftest import mail
from tests.domains.conversations.conftest import time_machine_now  # noqa: F401 - a fixture

DISOWNED = "mx.solara.example; spf=fail smtp.mailfrom=x.example; dmarc=fail header.from=cliente.example"
PROVEN = "mx.solara.example; spf=pass; dkim=pass; dmarc=pass header.from=cliente.example"


@pytest.fixture
def later(time_machine_now):  # noqa: F811
    return time_machine_now


@pytest.fixture
def arrive(box, tenant_id, run_deliveries, later):
    """A mail comes to a mailbox, and half a minute goes by."""
    numbers, opened = itertools.count(1), set()

    def take(channel_id, made):
        with box.unit(tenant_id) as uow:
            if channel_id not in opened:
                actions.open_mailbox(uow, channel_id, source="x", validity=1, last_uid=0)
                opened.add(channel_id)
            number = next(numbers)
            actions.take_in_mail(uow, channel_id, reading.read(made.as_bytes()), Kept(f"m{number}", uow.now), Spot(number, 1))
        run_deliveries()
        later(seconds=31)
        run_deliveries()

    return take


@pytest.fixture
def told(inbox):
    """How often the box spoke by itself."""
    return lambda: sum(message.sender is Sender.SYSTEM for _conversation, thread in inbox() for message in thread)


@pytest.fixture
def answered(box, tenant_id, inbox):
    def answer():
        for conversation, _thread in inbox():
            with box.unit(tenant_id) as uow:
                conversations.reply(uow, conversation.id, user_id=new_id(), content={"text": "Pois não"})
                conversations.resolve(uow, conversation.id)

    return answer


@pytest.fixture
def other_mailbox(box, tenant_id, config, channel_id):
    del channel_id
    given = {"config": {**config, "address": "suporte@solara.example"}, "secrets": {"user": "a", "password": "b"}}
    with box.unit(tenant_id) as uow:
        return actions.create_channel(uow, ChannelIn(kind="email", name="Suporte", **given)).id


@pytest.mark.parametrize(("headers", "times"), [
    ({}, 1), ({"Authentication-Results": PROVEN}, 1), ({"Authentication-Results": DISOWNED}, 0),
    ({"Auto-Submitted": "auto-replied"}, 0), ({"List-Post": "<mailto:x@x.example>"}, 0), ({"Return-Path": "<>"}, 0),
])  # fmt: skip
def test_a_forged_mail_and_a_program_are_not_told(arrive, told, channel_id, headers, times):
    made = mail()
    for name, value in headers.items():
        made[name] = value
    made.add_attachment(b"%PDF-1.7\n%%EOF", maintype="application", subtype="pdf", filename="conta.pdf")
    arrive(channel_id, made)
    assert told() == times


def test_a_forged_mail_still_waits_for_a_person(arrive, inbox, channel_id):
    made = mail()
    made["Authentication-Results"] = DISOWNED
    arrive(channel_id, made)
    [(conversation, [message])] = inbox()
    assert (conversation.waiting_since is not None, message.content["mail"]["forged"]) == (True, True)


def test_one_address_is_told_once_in_seven_days_whichever_mailbox_it_writes_to(arrive, told, answered, channel_id, other_mailbox, later):
    arrive(channel_id, mail())
    arrive(other_mailbox, mail(message_id="<dois@x.example>"))
    assert told() == 1
    answered()
    later(days=6, hours=23)
    arrive(channel_id, mail(message_id="<tres@x.example>"))
    assert told() == 1
    arrive(channel_id, mail(message_id="<quatro@x.example>", sender="Rui <rui@x.example>"))
    assert told() == 2
    later(hours=1)
    arrive(other_mailbox, mail(message_id="<cinco@x.example>"))
    assert told() == 3
