"""A blocked contact: what they write is kept, and that is all."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.actions import service_levels
from appliance.domains.conversations.actions.receive import _find_of_contact
from appliance.domains.conversations.errors import ContactBlocked
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.conversations.schemas import SlaPolicyIn, StateIn
from appliance.domains.conversations.tables import Conversation, Notice, SlaPromise
from appliance.domains.conversations.types import ConversationStatus, Handling, MessageStatus, Route, Sender
from appliance.domains.identity.tables import AuditEntry
from tests.factories.contacts import may_send

BLOCKED = ConversationStatus.BLOCKED


@pytest.fixture
def do(box, tenant_id, bruno):
    def act(action, *given, **named):
        with box.unit(tenant_id, Actor("user", bruno, "Bruno")) as uow:
            return action(uow, *given, **named)

    return act


@pytest.fixture
def blocked(says, do):
    conversation_id = says("compre já")
    do(actions.block, conversation_id)
    return conversation_id


@pytest.fixture
def found(box, tenant_id):
    def find(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_conversation(uow, conversation_id)

    return find


@pytest.fixture
def thread(box, tenant_id):
    def read(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.list_messages(uow, conversation_id)

    return read


def test_what_a_blocked_contact_writes_is_kept_and_nobody_hears_of_it(box, tenant_id, says, blocked, found, thread, run_deliveries):
    with box.unit(tenant_id) as uow:
        service_levels.create_policy(uow, SlaPolicyIn(name="Padrão", targets={"normal": {"first_reply": 5}}))
    assert says("quero falar com uma pessoa, é urgente") == blocked
    run_deliveries()
    now = found(blocked)
    assert (now.status, now.unread_count, now.waiting_since, now.sla_due_at) == (BLOCKED, 0, None, None)
    assert [message.content.get("text") for message in thread(blocked) if message.sender is Sender.CONTACT] == [
        "compre já", "quero falar com uma pessoa, é urgente",
    ]  # fmt: skip
    assert not [message for message in thread(blocked) if message.sender is Sender.AGENT_AI]
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(Notice)).all() == []
        assert uow.session.scalars(select(SlaPromise).where(SlaPromise.ended_at.is_(None))).all() == []


def test_a_blocked_contact_has_a_list_of_their_own_and_is_in_no_count(box, tenant_id, says, blocked):
    says("outra vez")
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_conversations(uow, InboxFilter(), PageQuery()).total == 0
        assert [row.id for row in queries.list_conversations(uow, InboxFilter(status=BLOCKED), PageQuery()).items] == [blocked]
        assert set(vars(queries.count_inbox(uow, user_id=None)).values()) == {0}


def test_nobody_can_write_to_a_blocked_contact(box, tenant_id, blocked, do, bruno):
    with pytest.raises(Refused, match="blocked"):
        do(actions.reply, blocked, user_id=bruno, content={"text": "oi"})
    assert do(actions.queue_notice, blocked, "oi") is None
    assert do(actions.hand_off, blocked, reason="wants_person") is False


def test_what_waited_to_be_sent_is_withdrawn(says, do, bruno, thread, run_deliveries):
    conversation_id = says("oi")
    message = do(actions.reply, conversation_id, user_id=bruno, content={"text": "Olá!"})
    do(actions.block, conversation_id)
    run_deliveries()
    assert [one.status for one in thread(conversation_id) if one.id == message.id] == [MessageStatus.CANCELLED]


@pytest.mark.parametrize("action", [
    actions.resolve, actions.reopen, actions.set_pending, actions.hand_back,
    lambda uow, of: actions.take_over(uow, of, user_id=new_id()),
    lambda uow, of: actions.assign(uow, of, user_id=None),
    lambda uow, of: actions.snooze(uow, of, until=None),
    lambda uow, of: actions.give_to_team(uow, of, team_id=None),
    lambda uow, of: actions.restore(uow, of, StateIn(labels=[], assignee_id=None, handling="bot", status="open", snoozed_until=None)),
])  # fmt: skip
def test_only_unblocking_leads_out(blocked, do, found, action):
    with pytest.raises(ContactBlocked):
        do(action, blocked)
    assert found(blocked).status is BLOCKED


def test_putting_something_back_blocks_nobody(says, do, found):
    conversation_id = says("oi")
    before = StateIn(labels=[], assignee_id=None, handling=Handling.HUMAN, status="blocked", snoozed_until=None)
    with pytest.raises(ContactBlocked):
        do(actions.restore, conversation_id, before)
    assert found(conversation_id).status is ConversationStatus.OPEN


def test_a_stop_counts_also_from_a_blocked_contact_and_is_not_confirmed(box, tenant_id, says, blocked, thread):
    says("SAIR")
    with box.unit(tenant_id, read_only=True) as uow:
        assert not may_send(uow, uow.session.get(Conversation, blocked).contact_id, "simulator", "marketing")
    assert not [message for message in thread(blocked) if message.sender is Sender.SYSTEM and message.status is MessageStatus.QUEUED]


def test_under_another_address_of_the_channel_they_stay_blocked(box, tenant_id, says, blocked):
    """Two threads of one person, since two contacts were merged: the blocked one takes what comes from a third address."""
    other = says("sou eu", visitor="bia")
    with box.unit(tenant_id) as uow:
        contact_id = uow.session.get(Conversation, blocked).contact_id
        uow.session.get(Conversation, other).contact_id = contact_id
        uow.session.flush()
        assert _find_of_contact(uow, _route(uow, other), contact_id).id == blocked


def _route(uow, conversation_id):
    row = uow.session.get(Conversation, conversation_id)
    return Route(row.channel_id, row.channel_kind, row.medium, "elsewhere")


@pytest.fixture
def merged(box, tenant_id, says):
    """Two threads of one person on one channel, and how they come to be that."""
    first, second = says("sou eu", visitor="ana"), says("sou eu também", visitor="bia")
    with box.unit(tenant_id, read_only=True) as uow:
        kept, gone = (queries.get_conversation(uow, one).contact_id for one in (first, second))
    return SimpleNamespace(first=first, second=second, kept=kept, gone=gone, id=new_id())


def test_of_one_person_every_thread_of_the_channel_is_blocked_and_unblocked(do, merged, found):
    do(actions.move_conversations, merge_id=merged.id, from_id=merged.gone, to_id=merged.kept)
    assert do(actions.block, merged.second).id == merged.second
    assert [found(one).status for one in (merged.first, merged.second)] == [BLOCKED, BLOCKED]
    do(actions.unblock, merged.first)
    assert [found(one).status for one in (merged.first, merged.second)] == [ConversationStatus.OPEN] * 2


@pytest.mark.parametrize("blocked_one", ["first", "second"])
def test_a_merge_blocks_the_other_thread_until_it_is_undone(do, merged, found, blocked_one):
    do(actions.block, getattr(merged, blocked_one))
    do(actions.move_conversations, merge_id=merged.id, from_id=merged.gone, to_id=merged.kept)
    assert [found(one).status for one in (merged.first, merged.second)] == [BLOCKED, BLOCKED]
    do(actions.move_conversations_back, merge_id=merged.id, from_id=merged.kept, to_id=merged.gone)
    still = [name for name in ("first", "second") if found(getattr(merged, name)).status is BLOCKED]
    assert still == [blocked_one]


def test_the_thread_tells_that_a_merge_blocked_it_and_that_its_undoing_opened_it(do, merged, thread):
    do(actions.block, merged.first)
    do(actions.move_conversations, merge_id=merged.id, from_id=merged.gone, to_id=merged.kept)
    do(actions.move_conversations_back, merge_id=merged.id, from_id=merged.kept, to_id=merged.gone)
    both = {"kept_id": str(merged.kept), "gone_id": str(merged.gone), "by": "Bruno"}
    first, second = ([one.content for one in thread(which) if one.sender is Sender.SYSTEM] for which in (merged.first, merged.second))
    assert first == [{"event": "blocked", "by": "Bruno"}, {"event": "merged", **both}, {"event": "parted", **both}]
    assert second == [
        {"event": "blocked", "by": "Bruno", "by_merge": True}, {"event": "merged", **both},
        {"event": "unblocked", "by": "Bruno", "by_merge": True}, {"event": "parted", **both},
    ]  # fmt: skip


def test_a_resolved_thread_of_who_stays_is_left_as_it_is_and_the_one_that_moves_is_told(do, merged, thread):
    for one in (merged.first, merged.second):
        do(actions.resolve, one)
    do(actions.move_conversations, merge_id=merged.id, from_id=merged.gone, to_id=merged.kept)
    do(actions.move_conversations_back, merge_id=merged.id, from_id=merged.kept, to_id=merged.gone)
    assert [one for one in thread(merged.first) if one.sender is Sender.SYSTEM] == []
    assert [one.content["event"] for one in thread(merged.second) if one.sender is Sender.SYSTEM] == ["merged", "parted"]


def test_a_merge_of_two_whom_nobody_blocked_blocks_nobody(do, merged, found):
    do(actions.move_conversations, merge_id=merged.id, from_id=merged.gone, to_id=merged.kept)
    assert [found(one).status for one in (merged.first, merged.second)] == [ConversationStatus.OPEN] * 2


def test_unblocked_it_is_open_and_the_next_message_counts_again(says, do, bruno, blocked, found):
    says("durante")
    do(actions.unblock, blocked)
    assert (found(blocked).status, found(blocked).unread_count) == (ConversationStatus.OPEN, 0)
    says("depois")
    assert (found(blocked).status, found(blocked).unread_count) == (ConversationStatus.OPEN, 1)


def test_blocking_stands_in_the_thread_and_in_the_record(box, tenant_id, blocked, do, thread):
    do(actions.block, blocked)
    do(actions.unblock, blocked)
    lines = [message.content for message in thread(blocked) if "event" in message.content]
    assert lines == [{"event": "blocked", "by": "Bruno"}, {"event": "unblocked", "by": "Bruno"}]
    with box.unit(tenant_id, read_only=True) as uow:
        recorded = uow.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert [action for action in recorded if action.startswith("contact.")] == ["contact.blocked", "contact.unblocked"]
