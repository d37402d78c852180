"""Webhooks come in while workers, the relay and Redis are killed: stored once, answered once at Meta's side, in order."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings, HandoffRules
from appliance.domains.channels.tables import Channel
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Direction, MessageStatus
from tests.peers.graph import text_webhook
from tests.servers import redis_server

PEOPLE, TURNS = 10, 16
LIMIT_S = 150
ROOT = Path(__file__).parents[3]


@pytest.fixture
def redis_address(tmp_path):
    return f"unix://{tmp_path}/redis.sock"


@pytest.fixture
def start(settings):
    running = []

    def start(role):
        """Whatever dies of itself is started again, as the supervisor of a box does."""
        for old_role, process in running[:]:
            if process.poll() is not None and process.returncode != -signal.SIGKILL:
                running.remove((old_role, process))
                begin(old_role)
        return begin(role) if role else None

    def begin(role):
        environ = {
            "SALESEDGE_HOME": settings.home,
            "SALESEDGE__REDIS__URL": settings.redis_url,
            "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file,
            "SALESEDGE__DATABASE__URL": settings.database.url,
            "SALESEDGE__CHANNELS__GRAPH_URL": settings.channels.graph_url,
            "SALESEDGE__NETWORK__PRIVATE_HOSTS": '["127.0.0.1"]',
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.domains.channels.processes", role], cwd=ROOT, stderr=subprocess.DEVNULL,
            env={**os.environ, **{name: str(value) for name, value in environ.items()}},
        )
        running.append((role, process))
        return process

    yield start
    for _, process in running:
        process.kill()
        process.wait()


def until_done(box, start, limit_s=LIMIT_S):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        start(None)
        with box.whole_box("test", read_only=True) as uow:
            unfinished = Delivery.state.in_([DeliveryState.PENDING, DeliveryState.LEASED])
            left = uow.session.scalar(select(func.count(Delivery.id)).where(unfinished))
        if not left:
            return
        time.sleep(0.5)
    raise AssertionError(f"{left} deliveries left after {limit_s} s")


@pytest.mark.slow
def test_no_message_is_lost_and_no_answer_sent_twice_when_everything_is_killed_in_turn(tmp_path, start, graph, request):  # noqa: C901 - a script of disasters
    first_redis = redis_server(tmp_path)
    first_redis.__enter__()
    box, tenant_id, post = (request.getfixturevalue(name) for name in ("box", "tenant_id", "meta"))
    with box.unit(tenant_id) as uow:
        handoff = HandoffRules(max_replies_in_10_minutes=200)
        agent = agents.create_agent(uow, AgentIn(name="A", settings=AgentSettings(debounce_ms=0, handoff=handoff)), publish_now=True)
        uow.session.execute(update(Channel).values(agent_id=agent.id, per_second=None))
    workers, relay, second_redis = [start("worker"), start("worker")], start("relay"), None
    for number in range(PEOPLE * TURNS):
        payload = text_webhook("bom dia", wa_id=f"5531999990{number % PEOPLE:03d}", first_id=f"wamid.{number}.")
        assert post(payload).status_code == 200
        if number % 7 == 0:
            assert post(payload).status_code == 200
        if number % 40 == 25:
            workers[0].kill()
            workers[0].wait()
            workers = [workers[1], start("worker")]
        if number == 50:
            relay.kill()
            relay.wait()
            relay = start("relay")
        if number == 80:
            first_redis.__exit__(None, None, None)
        if number == 100:
            second_redis = redis_server(tmp_path)
            second_redis.__enter__()
        if number == 140:
            box.redis.flushdb()
        time.sleep(0.05)
    try:
        until_done(box, start)
        for wamid, _ in list(graph.accepted):
            assert post(graph.status_webhook(wamid, "delivered")).status_code == 200
        with box.unit(tenant_id) as uow:
            doubtful = uow.session.scalars(select(Message.id).where(Message.status == MessageStatus.UNCONFIRMED)).all()
            for message_id in doubtful:  # the person's button: killed before the call, so Meta never told of it
                conversations.retry_message(uow, message_id)
        until_done(box, start)
        check_all(box, tenant_id, graph, doubtful)
    finally:
        if second_redis is not None:
            second_redis.__exit__(None, None, None)


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
