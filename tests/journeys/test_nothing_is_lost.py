"""Two thousand messages while everything is killed in turn: each stored once, each reply sent once, in order."""

import json
import threading
import time
from collections import Counter, defaultdict
from uuid import UUID

import httpx
import pytest
import redis

from appliance.domains.channels.rules.signature import sign
from tests.journeys.running import running_box, set_up, wait_for
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, text_webhook

MESSAGES, PEOPLE, SENDERS = 2000, 100, 4
VICTIMS = ("se-worker", "se-relay", "models", "redis-server", "se-worker", "se-worker-slow", "se-scheduler", "flush", "se-worker")
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\nA visita técnica é gratuita em um raio de 80 km.\n"
QUESTIONS = ("qual a garantia do inversor?", "a visita técnica é paga?", "bom dia", "vocês vendem aquecedor?")


@pytest.mark.slow
def test_no_message_is_lost_and_no_reply_is_sent_twice_while_everything_is_killed(tmp_path):
    with GraphPeer() as graph, running_box(tmp_path, channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"]) as box:
        set_up(box)
        api = box.client()
        open_shop(api)
        stop = threading.Event()
        killer = threading.Thread(target=kill_in_turn, args=(box, stop))
        reporter = threading.Thread(target=report_statuses, args=(box, graph, stop))
        killer.start()
        reporter.start()
        try:
            send_all(box)
            killer.join()
            conversations = wait_for(lambda: all_answered(api), limit_s=240, every_s=2)
        finally:
            stop.set()
            killer.join()
            reporter.join()
        assert len(conversations) == PEOPLE
        check_stored_once_and_in_order(api, conversations)
        check_sent_once_and_in_order(api, conversations, graph)


def open_shop(api):
    """A document that answers, an agent that answers at once, a WhatsApp number."""
    api.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}).raise_for_status()
    wait_for(lambda: api.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=60)
    settings = {"debounce_ms": 0, "handoff": {"max_replies_in_10_minutes": 200}}
    agent = api.post("/api/v1/agents", json={"name": "Lia", "settings": settings}).json()
    api.post(f"/api/v1/agents/{agent['id']}/publish", json={}).raise_for_status()
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    number = {"kind": "whatsapp_cloud", "name": "Comercial", "phone_number_id": NUMBER}
    api.post("/api/v1/channels", json={**number, "agent_id": agent["id"], "secrets": secrets}).raise_for_status()


def send_all(box):
    """Each person's messages in order, as Meta would: a webhook that is not acknowledged comes again."""
    def send(share):
        with httpx.Client(base_url=box.url, timeout=10) as meta:
            for number in range(MESSAGES // PEOPLE):
                for person in range(share, PEOPLE, SENDERS):
                    deliver(meta, person, number)

    threads = [threading.Thread(target=send, args=(share,)) for share in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def deliver(meta, person, number):
    words = f"{number:02d} {QUESTIONS[(person + number) % len(QUESTIONS)]}"
    post(meta, text_webhook(words, wa_id=f"55119555{person:05d}", first_id=f"wamid.IN{person:03d}.{number:03d}."))


def post(meta, payload):
    body = json.dumps(payload).encode()
    headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
    for _ in range(60):
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
    with httpx.Client(base_url=box.url, timeout=10) as meta:
        while not stop.wait(0.2):
            for wamid, _payload in graph.accepted[told : told + 50]:
                post(meta, graph.status_webhook(wamid, "delivered"))
                told += 1


def kill_in_turn(box, stop):
    for victim in VICTIMS:
        if stop.wait(2.5):
            return
        if victim == "flush":
            try:
                redis.Redis(unix_socket_path=str(box.home / "data/run/redis.sock")).flushall()
            except redis.RedisError:
                continue
        else:
            box.kill(victim)


def all_answered(api):
    conversations = api.get("/api/v1/conversations?limit=200").json()["items"]
    if len(conversations) < PEOPLE:
        return None
    for conversation in conversations:
        last = api.get(f"/api/v1/conversations/{conversation['id']}/messages?limit=200").json()["items"]
        inbound = [message for message in last if message["direction"] == "inbound"]
        outbound = [message for message in last if message["direction"] == "outbound"]
        if len(inbound) < MESSAGES // PEOPLE or any(message["status"] in {"queued", "sending", "unconfirmed"} for message in outbound):
            return None
        if conversation["handling"] == "bot" and (not outbound or last[-1]["direction"] == "inbound"):
            return None
    return conversations


def thread_of(api, conversation):
    return api.get(f"/api/v1/conversations/{conversation['id']}/messages?limit=200").json()["items"]


def check_stored_once_and_in_order(api, conversations):
    for conversation in conversations:
        said = [message["content"]["text"][:2] for message in thread_of(api, conversation) if message["direction"] == "inbound"]
        assert said == [f"{number:02d}" for number in range(MESSAGES // PEOPLE)]


def check_sent_once_and_in_order(api, conversations, graph):
    accepted = [payload["biz_opaque_callback_data"] for _wamid, payload in graph.accepted]
    assert max(Counter(accepted).values()) == 1, "a reply was sent twice"
    by_person = defaultdict(list)
    for _wamid, payload in graph.accepted:
        by_person[payload["to"]].append(UUID(payload["biz_opaque_callback_data"]))
    sent = set()
    for conversation in conversations:
        ours = [UUID(message["id"]) for message in thread_of(api, conversation) if message["direction"] == "outbound"]
        withdrawn = {UUID(m["id"]) for m in thread_of(api, conversation) if m["status"] == "cancelled"}
        expected = [message_id for message_id in ours if message_id not in withdrawn]
        sent.update(expected)
        assert next((ids for ids in by_person.values() if ids == expected), None) is not None, "a reply is missing or out of order"
    assert sent == {UUID(one) for one in accepted}
