"""Of an organisation that is suspended nothing leaves, and nothing that it receives is lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from appliance.core import clock, deliveries, jobs
from appliance.core.ids import new_id
from appliance.core.outbox import MAX_ATTEMPTS, Delivery, DeliveryState
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import WHATSAPP_QR
from appliance.domains.conversations import actions as conversation_actions
from appliance.domains.conversations import jobs as timed
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import ConversationStatus, Direction, Handling, MessageStatus, Sender
from tests.peers.graph import text_webhook
from tests.suspending import let_a_day_pass, resume, suspend


@pytest.fixture
def message(box, tenant_id):
    def read(message_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_message(uow, message_id)

    return read


@pytest.fixture
def writes(box, tenant_id):
    """A visitor writes to an agent of some organisation; returns the conversation."""

    def write(text="bom dia", *, owner=tenant_id):
        with box.unit(owner) as uow:
            agent = agents.create_agent(uow, AgentIn(name="Lia", settings=AgentSettings(debounce_ms=0)), publish_now=True)
            channel_id = channels.create_channel(uow, ChannelIn(kind="simulator", name="S", agent_id=agent.id)).id
        with box.unit(owner) as uow:
            return channels.receive_simulated(uow, channel_id, visitor="ana", name="Ana", text=text, client_id=new_id().hex)

    return write


def senders(box, tenant_id, conversation_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return [one.sender for one in conversations.list_messages(uow, conversation_id)]


def all_states(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return {one.state for one in uow.session.scalars(select(Delivery))}


def test_what_was_queued_waits_untouched_and_leaves_once_when_it_goes_on(box, tenant_id, reply, run_deliveries, graph, message):
    first, second = reply("um"), reply("dois")
    suspend(box, tenant_id)
    run_deliveries()
    assert (graph.accepted, message(first).status, message(second).status) == ([], MessageStatus.QUEUED, MessageStatus.QUEUED)
    resume(box, tenant_id)
    for _ in range(2):
        run_deliveries()
    assert [payload["text"]["body"] for _, payload in graph.accepted] == ["um", "dois"]
    assert {message(one).status for one in (first, second)} == {MessageStatus.SENT}


def test_what_waited_for_more_than_a_day_is_sent_by_a_person_or_not_at_all(box, tenant_id, reply, run_deliveries, graph, message):
    old = reply("quanto antes")
    suspend(box, tenant_id)
    run_deliveries()
    let_a_day_pass(box, tenant_id)
    resume(box, tenant_id)
    run_deliveries()
    assert (graph.accepted, message(old).status, message(old).error_code) == ([], MessageStatus.FAILED, "suspended")
    assert "more than a day" in message(old).error
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Conversation).values(last_inbound_at=uow.now))
        conversation_actions.retry_message(uow, old)
    run_deliveries()
    assert len(graph.accepted) == 1


def test_what_waited_for_another_reason_is_not_touched_by_a_short_suspension(box, tenant_id, reply, run_deliveries, graph, message):
    old = reply("quanto antes")
    let_a_day_pass(box, tenant_id)
    suspend(box, tenant_id)
    resume(box, tenant_id)
    assert message(old).status is MessageStatus.QUEUED


def test_the_day_old_words_of_another_organisation_go_all_the_same(box, tenant_id, other_tenant_id, reply, run_deliveries, graph):
    reply("oi")
    let_a_day_pass(box, tenant_id)
    suspend(box, other_tenant_id)
    resume(box, other_tenant_id)
    run_deliveries()
    assert len(graph.accepted) == 1


def test_an_agent_answers_nothing_until_its_organisation_goes_on(box, tenant_id, writes, run_deliveries):
    suspend(box, tenant_id)
    conversation_id = writes()
    run_deliveries()
    assert senders(box, tenant_id, conversation_id) == [Sender.CONTACT]
    resume(box, tenant_id)
    run_deliveries()
    assert senders(box, tenant_id, conversation_id) == [Sender.CONTACT, Sender.AGENT_AI]


def test_what_was_written_more_than_a_day_ago_a_person_answers_and_nobody_is_told(box, tenant_id, writes, run_deliveries):
    suspend(box, tenant_id)
    conversation_id = writes()
    run_deliveries()
    let_a_day_pass(box, tenant_id)
    resume(box, tenant_id)
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).where(Delivery.state == DeliveryState.PENDING).values(next_at=uow.now))
    run_deliveries()
    with box.whole_box("test") as uow:  # that somebody comes would be told half a minute later
        uow.session.execute(update(Delivery).where(Delivery.state == DeliveryState.PENDING).values(next_at=uow.now))
    run_deliveries()
    assert senders(box, tenant_id, conversation_id) == [Sender.CONTACT]
    with box.unit(tenant_id, read_only=True) as uow:
        found = conversations.get_conversation(uow, conversation_id)
        assert (found.handling, found.handoff_reason) == (Handling.HUMAN, "late")


def test_nobody_else_is_held_up_and_what_waits_is_neither_late_nor_dead(box, tenant_id, other_tenant_id, writes, run_deliveries):
    suspend(box, tenant_id)
    for _ in range(3):
        writes()
    answered = writes(owner=other_tenant_id)
    run_deliveries()
    assert senders(box, other_tenant_id, answered)[-1] is Sender.AGENT_AI
    assert all_states(box, tenant_id) <= {DeliveryState.HELD, DeliveryState.DONE}
    with box.whole_box("test", read_only=True) as uow:
        assert set(deliveries.lags(uow).values()) == {0.0}
        assert deliveries.list_dead(uow) == []


def test_the_relay_looks_once_at_what_waits_and_takes_it_up_when_it_may_go_on(box, tenant_id, writes, monkeypatch):
    writes()
    suspend(box, tenant_id)
    box.redis.flushdb()
    monkeypatch.setattr(deliveries, "REENQUEUE_AFTER", -timedelta(minutes=1))  # whatever was told is told again
    assert jobs.sweep(box) == 0
    assert all_states(box, tenant_id) == {DeliveryState.HELD}
    with box.whole_box("test", read_only=True) as uow:
        assert not deliveries.has_to_hold(uow)
        assert not deliveries.has_due(uow, heads={})
    resume(box, tenant_id)
    assert jobs.sweep(box) > 0
    assert DeliveryState.HELD not in all_states(box, tenant_id)


def test_a_worker_that_was_told_before_heeds_it_at_once(box, tenant_id, reply, graph):
    reply()
    suspend(box, tenant_id)
    with box.whole_box("test", read_only=True) as uow:
        told = uow.session.scalars(select(Delivery).where(Delivery.subscriber == "channels.send_message")).one()
        assert deliveries.find_next(uow, "fast", after=tenant_id) is None
    jobs.deliver(box, tenant_id, told.id)
    assert graph.accepted == []


def test_a_send_that_failed_meanwhile_waits_with_its_tries(box, tenant_id, reply, run_deliveries, message):
    reply()
    with box.whole_box("test") as uow:
        sending = uow.session.scalars(select(Delivery).where(Delivery.subscriber == "channels.send_message")).one()
        deliveries.claim(uow, sending.id)
    suspend(box, tenant_id)
    with box.whole_box("test") as uow:
        deliveries.fail(uow, sending.id, error="away", retry_after=0)
        uow.session.execute(update(Delivery).values(next_at=clock.now()))
    run_deliveries()
    with box.whole_box("test", read_only=True) as uow:
        kept = deliveries.get_delivery(uow, sending.id)
        assert (kept.state, kept.attempts, kept.lease_token) == (DeliveryState.HELD, 1, None)


def test_webhooks_are_answered_and_what_they_say_is_stored(box, tenant_id, meta, cloud, run_deliveries, inbox, graph):
    del cloud
    suspend(box, tenant_id)
    assert meta(text_webhook("ainda estão aí?")).status_code == 200
    run_deliveries()
    [(_conversation, [stored])] = inbox()
    assert (stored.content["text"], stored.direction, graph.accepted) == ("ainda estão aí?", Direction.INBOUND, [])


def test_timed_work_waits(box, tenant_id, conversation_id, run_deliveries):
    with box.unit(tenant_id) as uow:
        soon = {"status": ConversationStatus.SNOOZED, "snoozed_until": uow.now - timedelta(minutes=1)}
        uow.session.execute(update(Conversation).values(soon))
    suspend(box, tenant_id)

    def status():
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_conversation(uow, conversation_id).status

    timed.wake_snoozed(box)
    assert status() is ConversationStatus.SNOOZED
    resume(box, tenant_id)
    timed.wake_snoozed(box)
    assert status() is ConversationStatus.OPEN
    run_deliveries()


def test_people_who_wait_are_not_told_of_again_and_again(box, tenant_id, conversation_id):
    with box.unit(tenant_id) as uow:
        waits = {"handling": Handling.HUMAN, "waiting_since": uow.now - timedelta(days=2)}
        uow.session.execute(update(Conversation).values(waits))
    suspend(box, tenant_id)
    timed.remind_of_waiting(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert conversations.get_conversation(uow, conversation_id).reminded_at is None
    resume(box, tenant_id)
    timed.remind_of_waiting(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert conversations.get_conversation(uow, conversation_id).reminded_at is not None


def test_a_file_that_a_closed_number_cannot_fetch_costs_no_try(box, tenant_id, post, cloud, run_deliveries):
    suspend(box, tenant_id)
    payload = text_webhook("x")
    payload["entry"][0]["changes"][0]["value"]["messages"][0].update(type="image", image={"id": "55", "mime_type": "image/jpeg"})
    post(payload)
    fetching = Delivery.subscriber == "channels.fetch_media"
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Channel).where(Channel.id == cloud).values(kind=WHATSAPP_QR))
        uow.session.execute(update(Delivery).where(fetching).values(attempts=MAX_ATTEMPTS))
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        waiting = uow.session.scalars(select(Delivery).where(fetching)).one()
        assert (waiting.state, waiting.next_at > uow.now) == (DeliveryState.PENDING, True)
    resume(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        waiting = uow.session.scalars(select(Delivery).where(fetching)).one()
        assert (waiting.attempts, waiting.next_at <= uow.now) == (0, True)
    run_deliveries()  # the number is not open yet
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(Delivery).where(fetching)).one().state is DeliveryState.PENDING


def test_a_recording_has_its_time_to_be_heard_when_it_goes_on(box, tenant_id, post, cloud, run_deliveries):
    suspend(box, tenant_id)
    payload = text_webhook("x")
    payload["entry"][0]["changes"][0]["value"]["messages"][0].update(type="audio", audio={"id": "55", "mime_type": "audio/ogg"})
    post(payload)
    run_deliveries()
    overdue = Delivery.subscriber == "conversations.give_up_words"
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Delivery).where(overdue).values(next_at=uow.now - timedelta(hours=1)))
    with box.whole_box("test") as uow:
        deliveries.hold(uow)
    resume(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        waiting = uow.session.scalars(select(Delivery).where(overdue)).one()
        assert (waiting.state, waiting.next_at > uow.now + timedelta(minutes=9)) == (DeliveryState.PENDING, True)


@pytest.mark.only_database("postgresql")
def test_the_relay_waits_for_nobody_who_is_at_work_on_something_of_it(box, tenant_id, reply):
    reply("um")
    reply("dois")
    suspend(box, tenant_id)
    waiting = select(Delivery).where(Delivery.state == DeliveryState.PENDING, Delivery.next_at <= clock.now())
    with box.unit(tenant_id) as at_work:
        taken, *_ = at_work.session.scalars(waiting.with_for_update().limit(1)).all()
        with box.whole_box("test") as uow:
            deliveries.hold(uow)
        with box.unit(tenant_id, read_only=True) as uow:
            assert [one.id for one in uow.session.scalars(waiting)] == [taken.id]
    assert DeliveryState.HELD in all_states(box, tenant_id)
