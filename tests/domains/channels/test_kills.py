"""Webhooks come in while workers, the relay and Redis are killed: stored once, answered once at Meta's side, in order."""

import json
import time
from collections import Counter, defaultdict

import pytest
from sqlalchemy import func, select, update

from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings, HandoffRules
from appliance.domains.channels.tables import Channel
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Direction, MessageStatus
from tests.disasters import Victims
from tests.peers.graph import text_webhook

PEOPLE, TURNS = 10, 16
LIMIT_S = 400


@pytest.fixture
def redis_address(tmp_path):
    return f"unix://{tmp_path}/redis.sock"


@pytest.fixture
def victims(settings):
    victims = Victims(settings, "appliance.entrypoints.domains")
    yield victims
    victims.close()


@pytest.mark.slow
@pytest.mark.timeout(3 * LIMIT_S)
def test_no_message_is_lost_and_no_answer_sent_twice_when_everything_is_killed_in_turn(victims, box, tenant_id, graph, meta):
    with box.unit(tenant_id) as uow:
        handoff = HandoffRules(max_replies_in_10_minutes=200)
        agent = agents.create_agent(uow, AgentIn(name="A", settings=AgentSettings(debounce_ms=0, handoff=handoff)), publish_now=True)
        uow.session.execute(update(Channel).values(agent_id=agent.id, per_second=None))
    victims.start()
    for number in range(PEOPLE * TURNS):
        payload = text_webhook("bom dia", wa_id=f"5531999990{number % PEOPLE:03d}", first_id=f"wamid.{number}.")
        for _again in range(1 if number % 7 else 2):
            assert meta(payload).status_code == 200
        victims.strike(box, number, of=PEOPLE * TURNS)
        time.sleep(0.05)
    victims.await_done(box, LIMIT_S)
    for wamid, _ in list(graph.accepted):
        assert meta(graph.status_webhook(wamid, "delivered")).status_code == 200
    with box.unit(tenant_id) as uow:
        doubtful = uow.session.scalars(select(Message.id).where(Message.status == MessageStatus.UNCONFIRMED)).all()
        for message_id in doubtful:  # the person's button: killed before the call, so Meta never told of it
            conversations.retry_message(uow, message_id)
    victims.await_done(box, LIMIT_S)
    check_all(box, tenant_id, graph, doubtful)


def check_all(box, tenant_id, graph, doubtful):
    with box.unit(tenant_id, read_only=True) as uow:
        messages = uow.session.scalars(select(Message).order_by(Message.conversation_id, Message.number)).all()
        unanswered = uow.session.scalars(select(Conversation).where(Conversation.answered_number == 0)).all()
        dead = uow.session.scalar(select(func.count(Delivery.id)).where(Delivery.state == DeliveryState.DEAD))
    inbound = Counter(message.provider_message_id for message in messages if message.direction is Direction.INBOUND)
    assert inbound == Counter(f"wamid.{number}.0" for number in range(PEOPLE * TURNS))
    answers = [message for message in messages if message.direction is Direction.OUTBOUND]
    sent = Counter(payload["biz_opaque_callback_data"] for _, payload in graph.accepted)
    assert sent == Counter(str(message.id) for message in answers)
    assert {message.status for message in answers} <= {MessageStatus.SENT, MessageStatus.DELIVERED}
    assert (unanswered, dead) == ([], 0)
    assert len(answers) >= PEOPLE
    by_person = defaultdict(list)
    numbers = {str(message.id): message.number for message in answers}
    for _, payload in graph.accepted:
        if payload["biz_opaque_callback_data"] not in set(map(str, doubtful)):  # sent later, because a person said so
            by_person[payload["to"]].append(numbers[payload["biz_opaque_callback_data"]])
    assert len(by_person) == PEOPLE
    assert json.dumps([order for order in by_person.values() if order != sorted(order)]) == "[]"
