"""What was answered on the phone itself."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from appliance.core.outbox import OutboxRow
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.actions import aside
from appliance.domains.conversations.types import Arrival, ConversationStatus, Incoming, MessageKind, Person, Route


def changes(uow):
    return uow.session.scalar(select(func.count(OutboxRow.seq)).where(OutboxRow.name == "conversation.changed"))


def said_on_the_phone(uow, conversation, provider_id):
    route = Route(conversation.channel_id, conversation.channel_kind, conversation.medium, conversation.address)
    echo = Incoming(provider_id, MessageKind.TEXT, {"text": "Já resolvi"}, uow.now)
    person = Person((Identity(IdentityKind.WHATSAPP, "+5531999990001"),))
    return actions.record_echo(uow, Arrival(route, person, (echo,)))


def test_who_was_answered_on_the_phone_waits_no_longer(box, tenant_id, says):
    conversation_id = says("quero uma pessoa")
    with box.unit(tenant_id) as uow:
        actions.hand_off(uow, conversation_id, reason="wants_person")
        queries.lock_conversation(uow, conversation_id).reminded_at = uow.now
    with box.unit(tenant_id) as uow:
        before = changes(uow)
        said_on_the_phone(uow, queries.get_conversation(uow, conversation_id), "3A77")
        said_on_the_phone(uow, queries.get_conversation(uow, conversation_id), "3A77")
    with box.unit(tenant_id, read_only=True) as uow:
        answered = queries.get_conversation(uow, conversation_id)
        assert (answered.waiting_since, answered.reminded_at, answered.unread_count) == (None, None, 0)
        assert changes(uow) == before + 1


@pytest.mark.parametrize("put", ["snoozed", "resolved"])
def test_what_was_put_aside_or_closed_is_open_again_when_it_goes_on_on_the_phone(box, tenant_id, says, put):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        if put == "snoozed":
            aside.snooze(uow, conversation_id, until=uow.now + timedelta(hours=1))
        else:
            actions.resolve(uow, conversation_id)
        said_on_the_phone(uow, queries.get_conversation(uow, conversation_id), "3A78")
    with box.unit(tenant_id, read_only=True) as uow:
        again = queries.get_conversation(uow, conversation_id)
        assert (again.status, again.snoozed_until, again.resolved_at) == (ConversationStatus.OPEN, None, None)
