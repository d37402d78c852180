"""From a customer's message to the reply in the transport's hands: python -m tests.bench.bench_reply [SECONDS] [--rate 5].

A whole box (`salesedge up`), signed webhooks over loopback, a Graph API peer that notes when it was asked to send; one conversation
a message. Measured with no debounce, which is what the box itself takes, and with the default one, which is how long it waits on
purpose for the customer to finish writing.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from appliance.core.signatures import sign
from appliance.domains.agents.schemas import AgentSettings
from tests.bench.bench_indexing import spent
from tests.journeys.running import RunningBox, running_box, set_up, wait_for
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, text_webhook

P95_GOAL_S = 1.0
SENDERS = 4
WARM_UP = 10
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita em um raio de 80 km.\n"
QUESTIONS = ("qual a garantia do inversor?", "a visita técnica é paga?")


class TimedPeer(GraphPeer):
    """Notes when each person's reply arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def accept(self, payload: dict[str, Any]) -> str:
        self.at.setdefault(payload["to"], time.perf_counter())
        return str(super().accept(payload))


class Customers:
    """Each writes once, at a steady rate."""

    def __init__(self, box: RunningBox, first: int) -> None:
        self.url, self.first = box.url, first
        self.sent: dict[str, float] = {}
        self.acknowledged: list[float] = []
        self._lock = threading.Lock()

    def write(self, count: int, rate: float) -> None:
        start = time.perf_counter()
        threads = [threading.Thread(target=self._write, args=(range(share, count, SENDERS), start, rate)) for share in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _write(self, turns: Sequence[int], start: float, rate: float) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as meta:
            for turn in turns:
                person = str(self.first + turn)
                said = text_webhook(QUESTIONS[turn % len(QUESTIONS)], wa_id=person, first_id=f"wamid.{person}.")
                body = json.dumps(said).encode()
                headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
                time.sleep(max(0.0, start + turn / rate - time.perf_counter()))
                began = time.perf_counter()
                meta.post("/webhooks/whatsapp", content=body, headers=headers).raise_for_status()
                with self._lock:
                    self.sent[person] = began
                    self.acknowledged.append(time.perf_counter() - began)


def open_shop(api: httpx.Client) -> str:
    """A document that answers, an agent, a number; the agent's id."""
    api.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}).raise_for_status()
    wait_for(lambda: api.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=60)
    agent = str(api.post("/api/v1/agents", json={"name": "Lia"}).raise_for_status().json()["id"])
    api.post(f"/api/v1/agents/{agent}/publish", json={}).raise_for_status()
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    number = {"kind": "whatsapp_cloud", "name": "Comercial", "external_id": NUMBER, "agent_id": agent, "secrets": secrets}
    api.post("/api/v1/channels", json=number).raise_for_status()
    return agent


def wait_on_purpose(api: httpx.Client, agent: str, debounce_ms: int) -> None:
    api.patch(f"/api/v1/agents/{agent}", json={"settings": {"debounce_ms": debounce_ms}}).raise_for_status()
    api.post(f"/api/v1/agents/{agent}/publish", json={}).raise_for_status()


def measure(box: RunningBox, graph: TimedPeer, first: int, seconds: float, rate: float) -> tuple[Customers, list[float], float]:
    """(customers, seconds from webhook to reply, CPU seconds of the box a message)."""
    warm, measured = Customers(box, first), Customers(box, first + 1000)
    warm.write(WARM_UP, rate)
    wait_for(lambda: all(person in graph.at for person in warm.sent), limit_s=60)
    before = spent(box.process.pid)
    measured.write(round(seconds * rate), rate)
    wait_for(lambda: all(person in graph.at for person in measured.sent), limit_s=120)
    used = (spent(box.process.pid) - before).cpu / len(measured.sent)
    return measured, [graph.at[person] - began for person, began in measured.sent.items()], used


def shown(label: str, taken: Sequence[float]) -> float:
    cuts = statistics.quantiles(taken, n=100)
    print(f"  {label:<34} p50 {cuts[49]:6.3f}  p95 {cuts[94]:6.3f}  p99 {cuts[98]:6.3f}  longest {max(taken):6.3f} s", flush=True)
    return cuts[94]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=5.0)
    asked = parser.parse_args()
    default_ms = AgentSettings().debounce_ms
    p95 = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, TimedPeer() as graph, running_box(
        Path(folder), channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"]
    ) as box:
        set_up(box)
        with contextlib.closing(box.client()) as api:
            agent = open_shop(api)
            for number, debounce_ms in enumerate((0, default_ms)):
                wait_on_purpose(api, agent, debounce_ms)
                customers, taken, cpu = measure(box, graph, 5511955000000 + number * 10_000, asked.seconds, asked.rate)
                print(f"debounce {debounce_ms} ms: {len(taken)} messages at {asked.rate:g}/s, {cpu * 1e3:.0f} ms of CPU each")
                shown("webhook answered", customers.acknowledged)
                whole = shown("reply at the transport", taken)
                if debounce_ms:
                    shown("  of it beyond the debounce", [each - debounce_ms / 1000 for each in taken])
                else:
                    p95 = whole
    print(f"p95 with no debounce {p95:.3f} s, {p95 / P95_GOAL_S:.2f} of the goal of {P95_GOAL_S} s")
    sys.exit(0 if p95 <= P95_GOAL_S else 1)


if __name__ == "__main__":
    main()
