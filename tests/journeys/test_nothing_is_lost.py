"""Everything is killed in turn while people write two thousand messages: each stored once, each reply sent once, in order.

Some write again once they are answered, two messages one upon the other; so at each kill every step of an answer is under way. The
others do not wait: all of theirs come at once, from kill to kill those of somebody else.
"""

import contextlib
import json
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import httpx
import pytest
import redis
from sqlalchemy import func, select

from appliance.core.box import open_box
from appliance.core.config import KeySettings, Settings
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.signatures import sign
from appliance.core.web import PageQuery
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import Direction, Handling, MessageStatus
from appliance.entrypoints.domains import MANIFESTS
from tests.journeys.running import open_number, running_box, set_up, wait_for
from tests.peers.graph import SECRET, GraphPeer, text_webhook

PEOPLE, PATIENT, SENDERS = 100, 25, 3  # who write; those of them who wait for an answer; threads
AT_ONCE, OF_THE_PATIENT, OF_THE_HURRIED = 2, 8, 24  # messages: before the next answer, and of each in all
LIMIT_S = 600
UNSETTLED = {MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNCONFIRMED}
VICTIMS = (
    "se-worker", "se-relay", "models", "redis-server", "se-worker", "se-web", "se-worker-slow", "flush", "se-scheduler", "se-worker",
)  # fmt: skip
REPLIES_BETWEEN = 8  # two victims: those who wait get 90 at the least, so the last one dies before the last answer
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\nA visita técnica é gratuita em um raio de 80 km.\n"
QUESTIONS = ("qual a garantia do inversor?", "a visita técnica é paga?", "bom dia")
FOR_A_PERSON = "vocês vendem aquecedor?"


@pytest.mark.slow
@pytest.mark.timeout(3 * LIMIT_S)
def test_no_message_is_lost_and_no_reply_is_sent_twice_while_everything_is_killed(tmp_path):
    with (
        GraphPeer() as graph,
        running_box(tmp_path, channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"]) as box,
        looking_into(box) as inside,
    ):
        tenant_id = UUID(set_up(box)["tenant_id"])
        api = box.client()
        open_shop(api)
        attendant = Attendant(api, graph)
        struck, stop = [], threading.Event()
        with ThreadPoolExecutor(SENDERS + 1) as pool:
            try:
                reporting = pool.submit(report_statuses, box, graph, stop)
                sending = [pool.submit(write, box, graph, range(share, PEOPLE, SENDERS), struck, stop) for share in range(SENDERS)]
                for number, victim in enumerate(VICTIMS, 1):
                    await_work(box, inside, tenant_id, attendant, victim, number * REPLIES_BETWEEN)
                    raise_what_failed(reporting, *sending)
                    strike(box, victim)
                    struck.append(victim)
                is_open = partial(what_is_open, inside, tenant_id)
                wait_for(lambda: all_answered(attendant, inside, tenant_id), limit_s=LIMIT_S, every_s=1, why=is_open)
            finally:
                stop.set()
        raise_what_failed(reporting, *sending)
        found = threads(inside, tenant_id)
        assert len(found) == PEOPLE
        check_stored_once_and_in_order(found)
        check_sent_once_and_in_order(found, graph, attendant.sent_again)


def open_shop(api):
    """A document that answers, an agent that answers at once, a WhatsApp number."""
    api.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}).raise_for_status()
    wait_for(lambda: api.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=180)
    open_number(api)


def write(box, graph, people, struck, stop):
    """Each person's messages in order."""
    said, known = dict.fromkeys(people, 0), dict.fromkeys(people, -1)  # messages; answers when they wrote last
    with httpx.Client(base_url=box.url, timeout=60) as meta:
        while any(said[person] < messages_of(person) for person in people) and not stop.wait(0.05):
            answers = Counter(payload["to"] for _wamid, payload in list(graph.accepted))
            for person in people:
                was_answered = answers[phone(person)] > known[person]
                wants_more = was_answered if person < PATIENT else len(struck) >= person % len(VICTIMS)
                if wants_more and said[person] < messages_of(person):
                    known[person] = answers[phone(person)]
                    for _ in range(AT_ONCE if person < PATIENT else OF_THE_HURRIED):
                        deliver(meta, person, said[person])
                        said[person] += 1


def messages_of(person):
    return OF_THE_PATIENT if person < PATIENT else OF_THE_HURRIED


def raise_what_failed(*begun):
    for one in begun:
        if one.done():
            one.result()


def phone(person):
    return f"55119555{person:05d}"


def messages_from(address):
    return messages_of(int(address[-5:]))


def deliver(meta, person, number):
    """As Meta would: a webhook that is not acknowledged comes again."""
    is_last = number == messages_of(person) - 1 and person % 4 == 0
    words = f"{number:02d} {FOR_A_PERSON if is_last else QUESTIONS[(person + number) % len(QUESTIONS)]}"
    post(meta, text_webhook(words, wa_id=phone(person), first_id=f"wamid.IN{person:03d}.{number:03d}."))


def post(meta, payload):
    body = json.dumps(payload).encode()
    headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
    ends = time.monotonic() + LIMIT_S / 2
    while time.monotonic() < ends:
        try:
            if meta.post("/webhooks/whatsapp", content=body, headers=headers).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError("the webhook was never accepted")


def report_statuses(box, graph, stop):
    """Meta tells what became of each message it took; that is also how a crash between sending and knowing is healed."""
    told = 0
    with httpx.Client(base_url=box.url, timeout=60) as meta:
        while not stop.wait(0.2):
            if news := [graph.status_webhook(wamid, "delivered") for wamid, _payload in graph.accepted[told : told + 50]]:
                post(meta, {**news[0], "entry": [entry for one in news for entry in one["entry"]]})  # as Meta does when there are many
                told += len(news)


def await_work(box, inside, tenant_id, attendant, victim, replies):
    """Until there were answers again since the last one died, the next one is there, and more are under way."""

    def is_time():
        if len(attendant.graph.accepted) < replies:
            attendant.look_at(courses(inside, tenant_id))
            return False
        return ("redis-server" if victim == "flush" else victim) in box.children() and count_under_way(inside) > 0

    wait_for(is_time, limit_s=LIMIT_S, why=lambda: f"{victim} after {replies}: {what_is_open(inside, tenant_id)}")


def count_under_way(inside):
    """Steps from a webhook to its answer that are owed or being done."""
    steps = ("channels.store_webhooks", "conversations.record_message", "agents.begin_turn", "agents.answer", "channels.send_message")
    owed = select(func.count()).where(Delivery.subscriber.in_(steps), Delivery.state.in_((DeliveryState.PENDING, DeliveryState.LEASED)))
    with inside.whole_box("test", read_only=True) as uow:
        return uow.session.scalar(owed)


def strike(box, victim):
    if victim == "flush":
        redis.Redis(unix_socket_path=str(box.home / "data/run/redis.sock")).flushall()
    else:
        box.kill(victim)


@contextlib.contextmanager
def looking_into(box):
    """The data of the running box, read beside it."""
    settings = Settings(home=box.home / "data", keys=KeySettings(master_key_file=box.home / "master.key"))
    inside = open_box(settings, MANIFESTS)
    try:
        yield inside
    finally:
        inside.close()


def courses(inside, tenant_id):
    """Every conversation with what became of its messages, in order, and none of their words: this is asked again and again."""
    columns = (Message.conversation_id, Message.id, Message.direction, Message.status, Message.attempts)
    found = defaultdict(list)
    with inside.unit(tenant_id, read_only=True) as uow:
        for row in uow.session.execute(select(*columns).order_by(Message.number)):
            found[row.conversation_id].append(row)
        return [(one, found[one.id]) for one in queries.list_conversations(uow, InboxFilter(), PageQuery(limit=200)).items]


def threads(inside, tenant_id):
    """Every conversation with its messages, in order."""
    with inside.unit(tenant_id, read_only=True) as uow:
        conversations = queries.list_conversations(uow, InboxFilter(), PageQuery(limit=200)).items
        return [(conversation, queries.list_messages(uow, conversation.id, limit=200)) for conversation in conversations]


class Attendant:
    """Presses the button of a message that nobody confirmed, having seen that the customer did not get it.

    A worker that is killed between its claim and the call leaves one: the box never sends blindly again.
    """

    def __init__(self, api, graph):
        self.api, self.graph, self.sent_again = api, graph, set()

    def look_at(self, found):
        unconfirmed = {str(one.id) for _conversation, messages in found for one in messages if one.status is MessageStatus.UNCONFIRMED}
        arrived = {payload["biz_opaque_callback_data"] for _wamid, payload in self.graph.accepted}
        for message_id in unconfirmed - arrived:
            self.sent_again.add(message_id)
            self.api.post(f"/api/v1/messages/{message_id}/retry").raise_for_status()


def all_answered(attendant, inside, tenant_id):
    found = courses(inside, tenant_id)
    attendant.look_at(found)
    return len(found) == PEOPLE and not any(missing(*one) for one in found)


def missing(conversation, messages):
    """What a conversation still waits for, in words; empty when it has all."""
    came = sum(message.direction is Direction.INBOUND for message in messages)
    if came < messages_from(conversation.address):
        return f"{came} came in"
    unsettled = [(message.id, message.status, message.attempts) for message in messages if message.status in UNSETTLED]
    if unsettled:
        return f"not settled: {unsettled}"
    return "no answer" if conversation.handling is Handling.BOT and messages[-1].direction is Direction.INBOUND else ""


def what_is_open(inside, tenant_id):
    with inside.whole_box("test", read_only=True) as uow:
        rows = uow.session.scalars(select(Delivery).where(Delivery.state != DeliveryState.DONE).limit(10)).all()
        deliveries = [(row.subscriber, row.state, row.attempts, row.last_error, row.next_at, row.lease_until) for row in rows]
    found = courses(inside, tenant_id)
    waiting = {conversation.address: missing(conversation, messages) for conversation, messages in found}
    return f"{len(found)} conversations, {({who: why for who, why in waiting.items() if why})}, deliveries {deliveries}"


def check_stored_once_and_in_order(found):
    for conversation, messages in found:
        said = [message.content["text"][:2] for message in messages if message.direction is Direction.INBOUND]
        assert said == [f"{number:02d}" for number in range(messages_from(conversation.address))]


def check_sent_once_and_in_order(found, graph, sent_again):
    accepted = [payload["biz_opaque_callback_data"] for _wamid, payload in graph.accepted]
    assert max(Counter(accepted).values()) == 1, "a reply was sent twice"
    by_person = defaultdict(list)
    for _wamid, payload in graph.accepted:
        by_person[payload["to"]].append(payload["biz_opaque_callback_data"])
    for conversation, messages in found:
        ours = [str(m.id) for m in messages if m.direction is Direction.OUTBOUND and m.status is not MessageStatus.CANCELLED]
        theirs = by_person.pop(conversation.address, [])
        assert sorted(theirs) == sorted(ours), "a reply is missing"
        assert [one for one in theirs if one not in sent_again] == [one for one in ours if one not in sent_again], "out of order"
    assert not by_person, "somebody was answered who never wrote"
