"""How fast signed webhooks are accepted durably: python -m tests.bench.bench_webhook [SECONDS] [--node-red .../node-red/red.js].

The real web process (gunicorn, gthread) on the embedded, encrypted store answers over loopback; each 200 comes after the commit.
With --node-red the same requests go to a Node-RED flow that parses the body and answers, in memory, without checking a signature.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.core import crypto, db, telemetry
from appliance.core.box import Box, open_box
from appliance.core.config import Settings
from appliance.core.ids import new_id
from appliance.core.tenancy import TenantKey
from appliance.core.web import PageQuery
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.channels import actions as channels
from appliance.domains.channels.rules.signature import sign
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations.queries import InboxFilter, list_conversations, list_messages
from appliance.entrypoints.domains import MANIFESTS
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, text_webhook
from tests.servers import redis_server

RATE = 100
P95_LIMIT_MS = 30.0
PEOPLE = 200
CONNECTIONS = 16
TEXT = "Bom dia, vocês entregam em Betim?"
FLOW = [
    {"id": "tab", "type": "tab", "label": "webhook"},
    {"id": "in", "type": "http in", "z": "tab", "url": "/webhooks/whatsapp", "method": "post", "wires": [["fn"]]},
    {"id": "fn", "type": "function", "z": "tab", "outputs": 1, "wires": [["out"]],
     "func": "const m = msg.payload.entry[0].changes[0].value.messages; msg.payload = 'EVENT_RECEIVED ' + m.length; return msg;"},
    {"id": "out", "type": "http response", "z": "tab", "statusCode": "200", "wires": []},
]


def prepare(home: Path, redis_address: str) -> tuple[Box, dict[str, str]]:
    key = home.parent / "master.key"
    crypto.create_master_key(key)
    environ = {"SALESEDGE_HOME": str(home), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(key), "SALESEDGE__REDIS__URL": redis_address}
    os.environ.update(environ)
    box = open_box(Settings(), MANIFESTS)
    telemetry.configure_logs(box.settings.logs.model_copy(update={"level": "error"}), "bench")
    db.Rows.metadata.create_all(box.database.engine)
    return box, environ


def fill(box: Box) -> object:
    tenant_id = new_id()
    with box.whole_box("bench") as uow:
        uow.session.add(TenantKey(tenant_id=tenant_id, wrapped=box.keys.new_tenant_key(tenant_id)))
    with box.unit(tenant_id) as uow:
        agent = agents.create_agent(uow, AgentIn(name="Bench"), publish_now=True)
        secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
        given = ChannelIn(kind="whatsapp_cloud", name="Bench", phone_number_id=NUMBER, secrets=secrets, agent_id=agent.id)
        channels.create_channel(uow, given)
    return tenant_id


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used so far: steadier than the clock on a machine that does other things too."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if pid in {int(stat.parent.name), int(fields[1])}:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(command: list[str], environ: dict[str, str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Load:
    """Posts prepared webhooks over kept-alive connections; a rate spreads them evenly, none means as fast as it goes."""

    def __init__(self, port: int, label: str, pid: int) -> None:
        self.port, self.label, self.pid = port, label, pid
        self.cpu_ms = 0.0
        self.taken: list[float] = []
        self.failed = 0
        self._lock = threading.Lock()
        self._next = self._first = 0

    def run(self, seconds: float, *, rate: int | None) -> float:
        self.taken, self.failed, self._first = [], 0, self._next
        start, used = time.perf_counter(), cpu_seconds(self.pid)
        threads = [threading.Thread(target=self._post, args=(start, seconds, rate)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.cpu_ms = (cpu_seconds(self.pid) - used) / len(self.taken) * 1000
        return len(self.taken) / (time.perf_counter() - start)

    def _post(self, start: float, seconds: float, rate: int | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while True:
            with self._lock:
                number, self._next = self._next, self._next + 1
                turn = start + (number - self._first) / rate if rate else start
            if time.perf_counter() - start > seconds:
                return
            said = text_webhook(TEXT, wa_id=str(5531990000000 + number % PEOPLE), first_id=f"wamid.{self.label}{number}.")
            body = json.dumps(said).encode()
            headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(SECRET, body)}
            time.sleep(max(0.0, turn - time.perf_counter()))
            began = time.perf_counter()
            connection.request("POST", "/webhooks/whatsapp", body, headers)
            answer = connection.getresponse()
            answer.read()
            with self._lock:
                self.taken.append(time.perf_counter() - began)
                self.failed += answer.status != 200

    def report(self, what: str, reached: float) -> float:
        cuts = statistics.quantiles(self.taken, n=100)
        spread = "  ".join(f"p{cut} {cuts[cut - 1] * 1e3:6.1f}" for cut in (50, 95, 99))
        print(f"{what:<34} {reached:7.1f}/s  {spread} ms  CPU {self.cpu_ms:5.2f} ms each  failed {self.failed}")
        return cuts[94] * 1e3


def stored(box: Box, tenant_id: object) -> int:
    with box.unit(tenant_id, read_only=True) as uow:
        found = [row for page in (1, 2, 3) for row in list_conversations(uow, InboxFilter(), PageQuery(page=page, limit=100)).items]
        for row in found:
            numbers = [message.number for message in list_messages(uow, row.id, limit=100_000)]
            assert numbers == list(range(1, len(numbers) + 1)), "a gap in a conversation"
        return sum(row.last_number for row in found)


def node_red(red: str, seconds: float, folder: Path) -> float:
    port = free_port()
    (folder / "flows.json").write_text(json.dumps(FLOW))
    settings = {"flowFile": "flows.json", "uiPort": port, "uiHost": "127.0.0.1", "disableEditor": True}
    (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)}")
    with running(["node", red, "-u", str(folder), "-s", str(folder / "settings.js")], {}, port) as pid:
        time.sleep(3)
        load = Load(port, "n", pid)
        load.run(2, rate=None)
        reached = load.run(seconds, rate=None)
        load.report("Node-RED, peak (in memory)", reached)
        return reached


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=10.0)
    parser.add_argument("--node-red", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        with redis_server(folder) as address:
            port = free_port()
            box, environ = prepare(folder / "home", address)
            tenant_id = fill(box)
            command = [sys.executable, "-m", "appliance.entrypoints.web"]
            with running(command, {**environ, "SALESEDGE__SERVER__PORT": str(port)}, port) as pid:
                load = Load(port, "a", pid)
                load.run(3, rate=None)
                sent = len(load.taken)
                p95 = load.report(f"accepted at {RATE}/s", load.run(asked.seconds, rate=RATE))
                sent += len(load.taken)
                peak = load.run(asked.seconds, rate=None)
                load.report("accepted, peak", peak)
                sent += len(load.taken)
            kept = stored(box, tenant_id)
            print(f"{sent} answered 200, {kept} stored")
            box.close()
        if asked.node_red:
            print(f"peak against Node-RED: {peak / node_red(asked.node_red, asked.seconds, folder):.2f} x")
    sys.exit(0 if kept == sent and p95 <= P95_LIMIT_MS else 1)


if __name__ == "__main__":
    main()
