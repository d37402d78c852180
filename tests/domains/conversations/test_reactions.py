"""A reaction stands beside a message: it is sent and received once, and nobody is called by it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.core.web import PageQuery
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as numbers
from appliance.domains.channels.actions.receive import receive_changes, route_of
from appliance.domains.channels.gateways.cloud.outbound import payload_of
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.actions import append, receive
from appliance.domains.conversations.queries import InboxFilter, thread
from appliance.domains.conversations.queries.promises import owes_reply
from appliance.domains.conversations.queries.surveys import was_answered
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import (
    Arrival,
    ConversationStatus,
    Direction,
    Handling,
    Incoming,
    MessageKind,
    MessageStatus,
    Outgoing,
    Person,
    Quoted,
    Sender,
)

NUMBER = "5531999990001"
BIA = Person((Identity(IdentityKind.WHATSAPP, NUMBER),), "Bia")


@pytest.fixture
def number(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id


@pytest.fixture
def comes(box, tenant_id, number):
    """Something from Bia; returns the conversation."""

    def come(provider_id, kind=MessageKind.TEXT, *, to=None, late=0, **content):
        with box.unit(tenant_id) as uow:
            said = Incoming(provider_id, kind, content, uow.now + timedelta(seconds=late), to)
            receive_changes(uow, numbers.get_channel(uow, number), [Change((Spoken(BIA, NUMBER, (said,)),))])
            return queries.get_thread(uow, number, NUMBER)

    return come


def reaction(comes, emoji, to, provider_id="r1", **about):
    return comes(provider_id, MessageKind.REACTION, to=to, emoji=emoji, message_id=to, **about)


def stood(conversation):
    names = ("status", "handling", "waiting_since", "unread_count", "last_message_at", "preview", "last_inbound_at", "sla_due_at")
    return {name: getattr(conversation, name) for name in names}


@pytest.mark.parametrize("before", ["open", "pending", "snoozed", "resolved"])
def test_one_that_comes_leaves_the_conversation_as_it_is(box, tenant_id, comes, before):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        if before == "resolved":
            actions.resolve(uow, conversation_id)
        elif before == "snoozed":
            actions.snooze(uow, conversation_id, until=uow.now + timedelta(hours=1))
        elif before == "pending":
            actions.set_pending(uow, conversation_id)
    with box.unit(tenant_id, read_only=True) as uow:
        stands = stood(queries.get_conversation(uow, conversation_id))
    reaction(comes, "👍", "m1", late=5)
    reaction(comes, "👍", "m1", late=5)
    with box.unit(tenant_id, read_only=True) as uow:
        conversation = queries.get_conversation(uow, conversation_id)
        assert stood(conversation) == stands
        kept = queries.list_messages(uow, conversation_id)
        assert [(row.kind, row.reply_to_id) for row in kept] == [(MessageKind.TEXT, None), (MessageKind.REACTION, kept[0].id)]
        assert [row.kind for row in queries.list_messages(uow, conversation_id, lines=True)] == [MessageKind.TEXT]


def test_what_was_read_stays_read(box, tenant_id, comes):
    conversation_id = comes("m1", text="oi")
    reaction(comes, "👍", "m1")
    with box.unit(tenant_id) as uow:
        assert actions.mark_read(uow, conversation_id, shown=1).unread_count == 0


def test_one_to_what_is_not_here_opens_nothing(box, tenant_id, comes):
    conversation_id = reaction(comes, "👍", "long-ago")
    with box.unit(tenant_id, read_only=True) as uow:
        conversation = queries.get_conversation(uow, conversation_id)
        assert (conversation.status, conversation.unread_count) == (ConversationStatus.RESOLVED, 0)
        assert queries.list_conversations(uow, InboxFilter(), PageQuery()).total == 0
        [line] = queries.list_messages(uow, conversation_id, lines=True)
        assert (line.kind, line.reply_to_id) == (MessageKind.REACTION, None)
    comes("m1", text="oi")
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_conversation(uow, conversation_id).status is ConversationStatus.OPEN


def test_one_made_on_the_phone_answers_nobody(box, tenant_id, number, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        echo = Incoming("e1", MessageKind.REACTION, {"emoji": "👍", "message_id": "m1"}, uow.now, "m1")
        before = stood(queries.get_conversation(uow, conversation_id))
        actions.record_echo(uow, Arrival(route_of(numbers.get_channel(uow, number), NUMBER), BIA, (echo,)))
        assert stood(queries.get_conversation(uow, conversation_id)) == before
        [mine] = queries.list_reactions(uow, [queries.list_messages(uow, conversation_id)[0].id], ours=True)
        assert (mine.status, mine.direction) == (MessageStatus.SENT, Direction.OUTBOUND)


def test_nobody_reacts_to_what_another_conversation_said(box, tenant_id, number, comes):
    conversation_id = comes("m1", text="oi")
    caio = Person((Identity(IdentityKind.WHATSAPP, "5531999990002"),), "Caio")
    with box.unit(tenant_id) as uow:
        said = [
            Incoming("c1", MessageKind.REACTION, {"emoji": "👍", "message_id": "m1"}, uow.now, "m1"),
            Incoming("c2", MessageKind.TEXT, {"text": "e eu?"}, uow.now, "m1"),
        ]
        receive_changes(uow, numbers.get_channel(uow, number), [Change((Spoken(caio, "5531999990002", tuple(said)),))])
        other = queries.get_thread(uow, number, "5531999990002")
        assert other != conversation_id
        assert [row.reply_to_id for row in queries.list_messages(uow, other)] == [None, None]
        assert queries.list_messages(uow, other)[1].content["quotes"] == "m1"


def test_what_we_react_with_is_queued_once_and_answers_nothing(box, tenant_id, bruno, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        [message] = queries.list_messages(uow, conversation_id)
        before = stood(queries.get_conversation(uow, conversation_id))
        first = actions.react(uow, message.id, "👍", user_id=bruno)
        assert actions.react(uow, message.id, "👍", user_id=bruno) is first
        assert stood(queries.get_conversation(uow, conversation_id)) == before
        outgoing = actions.begin_sending(uow, first.id)
    assert (outgoing.kind, outgoing.content, outgoing.reply_to_provider_id) == (
        MessageKind.REACTION, {"emoji": "👍", "message_id": "m1"}, "m1",
    )  # fmt: skip
    with box.unit(tenant_id) as uow:
        actions.confirm_sent(uow, first.id, "p1")
        gone = actions.react(uow, message.id, "", user_id=bruno)
        assert gone.id != first.id
        assert [row.content["emoji"] for row in queries.list_reactions(uow, [message.id])] == ["👍", ""]


def test_one_that_failed_makes_nothing_unsent_and_can_be_tried_again(box, tenant_id, bruno, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        [message] = queries.list_messages(uow, conversation_id)
        failed = actions.react(uow, message.id, "👍", user_id=bruno)
        actions.begin_sending(uow, failed.id)
        actions.mark_failed(uow, failed.id, code="refused", error="nein")
        assert queries.find_unsent(uow, [conversation_id]) == frozenset()
        again = actions.retry_message(uow, failed.id)
        assert (again.id, again.status) == (failed.id, MessageStatus.QUEUED)


def test_a_reaction_sent_after_a_failed_message_hides_nothing(box, tenant_id, bruno, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        [message] = queries.list_messages(uow, conversation_id)
        failed = actions.reply(uow, conversation_id, user_id=bruno, content={"text": "olá"})
        actions.begin_sending(uow, failed.id)
        actions.mark_failed(uow, failed.id, code="refused", error="nein")
        actions.react(uow, message.id, "👍", user_id=bruno)
        assert queries.find_unsent(uow, [conversation_id]) == {conversation_id}


def test_who_changes_their_mind_without_end_is_read_to_the_end_of_it(box, tenant_id, bruno, comes):
    conversation_id = comes("m1", text="oi")
    comes("m2", text="tem?")
    with box.unit(tenant_id, read_only=True) as uow:
        first, second = queries.list_messages(uow, conversation_id)
    reaction(comes, "🔥", "m2", "r0")
    with box.unit(tenant_id) as uow:
        actions.react(uow, first.id, "👍", user_id=bruno)
        for number in range(thread.MOST_CHANGES + 5):
            said = {"emoji": f"{number}", "message_id": "m1"}
            made = Incoming(f"x{number}", MessageKind.REACTION, said, uow.now + timedelta(seconds=number), "m1")
            thread_of = queries.get_conversation(uow, conversation_id)
            append.append(uow, thread_of, receive.as_draft(uow, thread_of, made, Direction.INBOUND, Sender.CONTACT))
    with box.unit(tenant_id, read_only=True) as uow:
        found = queries.list_reactions(uow, [first.id, second.id])
    theirs = [row.content["emoji"] for row in found if row.direction is Direction.INBOUND and row.reply_to_id == first.id]
    assert theirs == [f"{number}" for number in range(5, thread.MOST_CHANGES + 5)]
    assert {row.content["emoji"] for row in found} >= {"👍", "🔥"}


def test_of_a_group_everybody_is_counted(box, tenant_id, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        [message] = queries.list_messages(uow, conversation_id)
        thread_of = queries.lock_conversation(uow, conversation_id)
        thread_of.is_group = True
        for number in range(thread.MOST_CHANGES + 30):
            said = {"emoji": "👍", "message_id": "m1", "author": {"jid": f"{number}@lid", "name": ""}}
            made = Incoming(f"x{number}", MessageKind.REACTION, said, uow.now, "m1")
            append.append(uow, thread_of, receive.as_draft(uow, thread_of, made, Direction.INBOUND, Sender.CONTACT))
    with box.unit(tenant_id, read_only=True) as uow:
        assert len(queries.list_reactions(uow, [message.id])) == thread.MOST_CHANGES + 30


def test_a_reaction_answers_nothing_that_is_owed(box, tenant_id, bruno, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        [message] = queries.list_messages(uow, conversation_id)
        queries.lock_conversation(uow, conversation_id).handling = Handling.HUMAN
        actions.react(uow, message.id, "👍", user_id=bruno)
        uow.session.flush()
        assert owes_reply(uow, queries.get_conversation(uow, conversation_id))
        assert not was_answered(uow, conversation_id)
        actions.reply(uow, conversation_id, user_id=bruno, content={"text": "olá"})
    reaction(comes, "👍", "m1")
    with box.unit(tenant_id, read_only=True) as uow:
        assert not owes_reply(uow, queries.get_conversation(uow, conversation_id))
        assert was_answered(uow, conversation_id)


def test_nobody_reacts_to_what_is_not_with_the_customer(box, tenant_id, bruno, comes):
    conversation_id = comes("m1", text="oi")
    reaction(comes, "👍", "m1")
    with box.unit(tenant_id) as uow:
        note = actions.add_note(uow, conversation_id, user_id=bruno, text="só nós")
        [message, mark, _] = queries.list_messages(uow, conversation_id)
        for target in (note, mark):
            with pytest.raises(Refused):
                actions.react(uow, target.id, "👍", user_id=bruno)
        with pytest.raises(Refused, match="take back"):
            actions.react(uow, message.id, "", user_id=bruno)


def test_a_person_who_is_called_is_not_called_by_a_reaction(box, tenant_id, number, comes):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id) as uow:
        conversation = queries.lock_conversation(uow, conversation_id)
        conversation.waiting_since, conversation.handling = None, Handling.HUMAN
    reaction(comes, "😡", "m1")
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.get(Conversation, conversation_id).waiting_since is None


def test_the_answer_to_a_message_that_is_not_here_says_so(box, tenant_id, comes):
    conversation_id = comes("m1", to="long-ago", text="sim, esse")
    with box.unit(tenant_id, read_only=True) as uow:
        [message] = queries.list_messages(uow, conversation_id)
        assert (message.reply_to_id, message.content["quotes"]) == (None, "long-ago")


@pytest.mark.parametrize("emoji", ["ok", " ", "👍 ok", "+1", "\n"])
def test_only_an_emoji_is_a_reaction(client, box, tenant_id, comes, emoji):
    conversation_id = comes("m1", text="oi")
    with box.unit(tenant_id, read_only=True) as uow:
        [message] = queries.list_messages(uow, conversation_id)
    assert client.post(f"/api/v1/messages/{message.id}/reaction", json={"emoji": emoji}).status_code == 422


def test_the_api_reacts_only_where_the_channel_carries_it(client, box, tenant_id, somebody, bruno, comes, says):
    somebody.principal = replace(somebody.principal, user_id=bruno)
    ids = []
    for conversation_id in (comes("m1", text="oi"), says("oi")):
        with box.unit(tenant_id, read_only=True) as uow:
            ids.append(queries.list_messages(uow, conversation_id)[0].id)
    made = client.post(f"/api/v1/messages/{ids[0]}/reaction", json={"emoji": "❤️"})
    assert (made.status_code, made.json["kind"], made.json["reply_to_id"]) == (201, "reaction", str(ids[0]))
    refused = client.post(f"/api/v1/messages/{ids[1]}/reaction", json={"emoji": "❤️"})
    assert refused.status_code == 422
    assert "Simulator" in refused.json["detail"]


def test_the_cloud_api_gets_a_reaction_that_names_its_message_itself():
    quoted = Quoted("wamid.1", "oi", is_ours=False)
    content = {"emoji": "👍", "message_id": "wamid.1"}
    one = new_id()
    payload = payload_of(Outgoing(one, one, one, str(one), NUMBER, MessageKind.REACTION, content, quoted, 1))
    assert payload["reaction"] == {"message_id": "wamid.1", "emoji": "👍"}
    assert "context" not in payload
