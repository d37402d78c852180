"""One box on five machines, files on a share or in a bucket: store, models, and two for pages and workers; `docs/operating/scaling.md`."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.journeys.running import EMAIL, PASSWORD, wait_for
from tests.peers import swift
from tests.peers.machines import ROOT, Machine, network, until_it_is_there
from tests.servers import postgresql_server, redis_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("ip") is None or os.geteuid() != 0, reason="network namespaces need root and iproute2"),
]
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita em um raio de 80 km.\n"
WORKING = ("web", "relay", "worker", "worker-slow", "worker-speech")  # on every node; the rest on one
LIMIT_S = 300
MAKES_BUCKET = """
from appliance.core.buckets import store_of
from appliance.core.config import load_settings
store_of(load_settings()).bucket.ask("create_bucket")
"""


@dataclass
class Node:
    """A machine with pages and workers: its own data folder, the files of all of them."""

    machine: Machine
    home: Path
    environment: dict

    @property
    def door(self):
        return self.home.parent / f"{self.home.name}.sock"

    def start(self, *names):
        for name in names:
            self.machine.start("-m", "appliance.entrypoints.alone", name, environment=self.environment)

    @property
    def has_files_of_its_own(self):
        folder = self.home / "blobs"
        return not folder.is_symlink() and any(folder.glob("*/*/*"))

    def run(self, *words):
        command = ["ip", "netns", "exec", self.machine.name, sys.executable, *words]
        subprocess.run(command, check=True, env={**os.environ, **self.environment}, cwd=ROOT, timeout=LIMIT_S)

    def client(self):
        transport = httpx.HTTPTransport(uds=str(self.door), retries=2)
        return httpx.Client(transport=transport, base_url="http://box.example", timeout=60)

    def signed_in(self):
        api = self.client()
        answer = api.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        answer.raise_for_status()
        api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return api

    def is_ready(self):
        return self.client().get("/health/ready").status_code == 200

    def says(self):
        with contextlib.suppress(httpx.HTTPError):
            return self.client().get("/health/ready").text
        return "nothing"


@contextlib.contextmanager
def bucket_of(store, folder):
    """An S3-compatible store on this machine, reached by its address; the settings that name a bucket of it."""
    folder.mkdir()
    with swift.object_store(folder, store.address) as server:
        inner = f"{folder}/s3.sock"
        doorway = subprocess.Popen([sys.executable, "-m", "tests.peers.doorway", inner, f"127.0.0.1:{server.port}"], cwd=ROOT)
        try:
            until_it_is_there(Path(inner))
            store.open_door(f"{store.address}:{server.port}", inner)
            files = server.files()
            yield {f"SALESEDGE__FILES__{name.upper()}": str(value) for name, value in files.model_dump(exclude_defaults=True).items()}
        finally:
            doorway.kill()
            doorway.wait()


@pytest.fixture(params=["share", "bucket"])
def nodes(request, tmp_path):
    with contextlib.ExitStack() as running:
        owner = running.enter_context(postgresql_server())
        redis = running.enter_context(redis_server(tmp_path))
        machines = running.enter_context(network("store", "models", "one", "two"))
        store, models, one, two = machines
        folder = owner.partition("host=")[2]
        with psycopg.connect(f"host={folder} user=owner dbname=postgres", autocommit=True) as connection:
            connection.execute("CREATE ROLE app LOGIN")
            connection.execute("CREATE DATABASE box")
        with psycopg.connect(f"host={folder} user=owner dbname=box", autocommit=True) as connection:
            connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app")
            connection.execute("ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO app")
        store.open_door(f"{store.address}:5432", f"{folder}/.s.PGSQL.5432")
        store.open_door(f"{store.address}:6379", redis.removeprefix("unix://"))
        token, files = tmp_path / "token", tmp_path / "files"
        token.write_text(uuid.uuid4().hex)
        files.mkdir()
        shared = {
            "SALESEDGE__DATABASE__URL": f"postgresql+psycopg://app@{store.address}/box",
            "SALESEDGE__DATABASE__OWNER_URL": f"postgresql+psycopg://owner@{store.address}/box",
            "SALESEDGE__REDIS__URL": f"redis://{store.address}:6379/0",
            "SALESEDGE__MODELS__URL": f"http://{models.address}:9000",
            "SALESEDGE__MODELS__TOKEN_FILE": str(token),
            "SALESEDGE__KEYS__MASTER_KEY_FILE": str(tmp_path / "master.key"),
            "SALESEDGE__LOGS__LEVEL": "warning",
            "SALESEDGE__WORKERS__PROCESSES": "1",
            "SALESEDGE__SERVER__HOST": "0.0.0.0",
            "SALESEDGE__SERVER__PUBLIC_URL": "http://box.example",
        }
        if request.param == "bucket":
            shared |= running.enter_context(bucket_of(store, tmp_path / "swift"))
        made = [
            Node(machine, tmp_path / name, shared | {"SALESEDGE_HOME": str(tmp_path / name)})
            for machine, name in ((one, "one"), (two, "two"))
        ]
        for node in made:
            node.home.mkdir()
            if request.param == "share":
                (node.home / "blobs").symlink_to(files)  # where an operator mounts it
        first = made[0]
        if request.param == "bucket":
            first.run("-c", MAKES_BUCKET)
        password = tmp_path / "password"
        password.write_text(PASSWORD)
        set_up = ["-m", "appliance.entrypoints.cli", "setup", "--email", EMAIL, "--password-file", str(password), "--tenant", "Solara"]
        first.run(*set_up)
        serving = shared | {"SALESEDGE_HOME": str(tmp_path / "models"), "SALESEDGE__MODELS__LISTEN": f"{models.address}:9000"}
        models.start("-m", "appliance.entrypoints.alone", "models", environment=serving)
        for node in made:
            node.start(*WORKING)
            node.machine.open_door(str(node.door), "127.0.0.1:8080")
        first.start("scheduler")
        for node in made:
            until_it_is_there(node.door)
            wait_for(node.is_ready, limit_s=LIMIT_S, why=node.says)
        yield made


def queues_nobody_works_on(node):
    """What the alert SalesEdgeNoWorkers looks at."""
    counts = re.findall(r"^salesedge_workers\{(.*?)\} (\S+)$", node.client().get("/metrics").text, re.MULTILINE)
    return [queue for queue, count in counts if float(count) == 0] if counts else ["nobody told"]


def test_what_one_machine_takes_in_another_answers_and_goes_on_when_the_first_loses_its_power(nodes):
    one, two = nodes
    here, there = one.signed_in(), two.signed_in()
    wait_for(lambda: not queues_nobody_works_on(two), limit_s=LIMIT_S)
    uploaded = here.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}).raise_for_status().json()
    wait_for(lambda: there.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=LIMIT_S)
    agent = there.post("/api/v1/agents", json={"name": "Lia", "settings": {"debounce_ms": 0}}).json()
    there.post(f"/api/v1/agents/{agent['id']}/publish", json={}).raise_for_status()
    channel = here.post("/api/v1/channels", json={"kind": "simulator", "name": "Balcão", "agent_id": agent["id"]}).json()

    def write(api, text):
        said = {"visitor": "rui", "name": "Rui", "text": text, "client_id": uuid.uuid4().hex}
        told = api.post(f"/api/v1/channels/{channel['id']}/simulate", json=said)
        told.raise_for_status()
        return told.json()["conversation_id"]

    def answers(api, conversation_id):
        found = api.get(f"/api/v1/conversations/{conversation_id}/messages?limit=200").json()["items"]
        return [each["content"].get("text", "") for each in found if each["direction"] == "outbound"]

    conversation_id = write(here, "qual a garantia do inversor?")
    wait_for(lambda: any("10 anos" in text for text in answers(there, conversation_id)), limit_s=LIMIT_S)
    one.machine.lose_power()
    write(there, "a visita técnica é paga?")
    wait_for(lambda: any("80 km" in text for text in answers(there, conversation_id)), limit_s=LIMIT_S)
    said = answers(there, conversation_id)
    assert len(said) == len(set(said)) == 2
    assert there.get(f"/api/v1/documents/{uploaded['id']}/file").text == POLICY
    assert not one.has_files_of_its_own
    assert not two.has_files_of_its_own
