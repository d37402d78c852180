"""A disk with no byte left: sentences instead of errors, nothing lost, and it goes on by itself once there is room."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.core.signatures import sign
from tests.journeys.running import RunningBox, running_box, set_up, wait_for
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, text_webhook
from tests.survive.faults import sign_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
DISK_MB = 64
FULL = {503, 507}
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita em um raio de 80 km.\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("A small file system cannot be mounted here: run this test as root.")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@dataclass
class Company:
    box: RunningBox
    api: httpx.Client
    graph: GraphPeer

    def webhook(self, person: int, text: str) -> httpx.Response:
        body = json.dumps(text_webhook(text, wa_id=f"55119555{person:05d}", first_id=f"wamid.{person}.{text[:8]}.")).encode()
        headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
        return httpx.post(f"{self.box.url}/webhooks/whatsapp", content=body, headers=headers, timeout=120)

    def upload(self, name: str, content: bytes) -> httpx.Response:
        return self.api.post("/api/v1/documents/upload", files={"file": (name, content)})

    def reply(self, conversation: str, text: str) -> httpx.Response:
        return self.api.post(f"/api/v1/conversations/{conversation}/reply", json={"text": text})

    def conversations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("/api/v1/conversations", params={"limit": 100}).raise_for_status().json()["items"]
        return found

    def ready(self) -> int:
        return httpx.get(f"{self.box.url}/health/ready", timeout=120).status_code

    def sent_to(self, person: int) -> int:
        return sum(payload["to"] == f"55119555{person:05d}" for _wamid, payload in self.graph.accepted)


@pytest.fixture
def company(tmp_path: Path, small_disk: Path) -> Iterator[Company]:
    home = tmp_path / "box"
    home.mkdir()
    (home / "data").symlink_to(small_disk)
    with GraphPeer() as graph, running_box(home, channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"]) as box:
        set_up(box)
        with contextlib.closing(box.client()) as api:
            company = Company(box, api, graph)
            company.upload("garantia.md", POLICY.encode()).raise_for_status()
            wait_for(lambda: api.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=180)
            agent = api.post("/api/v1/agents", json={"name": "Lia", "settings": {"debounce_ms": 0}}).json()["id"]
            api.post(f"/api/v1/agents/{agent}/publish", json={}).raise_for_status()
            secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
            number = {"kind": "whatsapp_cloud", "name": "Comercial", "external_id": NUMBER, "agent_id": agent, "secrets": secrets}
            api.post("/api/v1/channels", json=number).raise_for_status()
            yield company


def fill(disk: Path) -> Path:
    """Every last byte, also those that others give back meanwhile."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for piece in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * piece)
    return filler


def check_sentence(answer: httpx.Response) -> None:
    assert answer.status_code in FULL, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "disk" in answer.json()["detail"] or "espaço" in answer.json()["detail"], answer.text


def test_a_full_disk_is_said_and_nothing_is_lost(company: Company, small_disk: Path) -> None:
    assert company.webhook(1, "qual a garantia do inversor?").status_code == 200
    wait_for(lambda: company.sent_to(1), limit_s=180)
    talk = company.conversations()[0]["id"]

    page = sign_in(company.box.url)
    filler = fill(small_disk)
    refused = [company.webhook(person, "qual a garantia do inversor?") for person in range(2, 40)]
    fill(small_disk)
    for answer in (refused[-1], company.upload("outra.md", b"# Outra\n\n" + b"linha\n" * 50_000), company.reply(talk, "Um momento.")):
        check_sentence(answer)
    assert {answer.status_code for answer in refused} <= {200, *FULL}
    assert company.ready() == 503
    assert company.api.get("/api/v1/documents").status_code == 200, "what is stored can still be read"
    wait_for(lambda: "o disco está cheio" in page.get("/faults").text, limit_s=180, why=lambda: page.get("/faults").text)
    stored = [person for person, answer in enumerate(refused, 2) if answer.status_code == 200]

    filler.unlink()
    wait_for(lambda: company.ready() == 200, limit_s=180)
    wait_for(lambda: not page.get("/faults").text.strip(), limit_s=180, why=lambda: page.get("/faults").text)
    assert all(answer.status_code == 200 for answer in (company.webhook(person, "qual a garantia do inversor?") for person in range(2, 40)))
    assert company.upload("outra.md", b"# Outra\n\nO estacionamento fica na rua Bela.\n").status_code == 201
    assert company.reply(talk, "Pronto.").status_code == 201
    everybody = range(2, 40)
    wait_for(lambda: all(company.sent_to(person) == 1 for person in everybody), limit_s=400, why=lambda: f"taken while full: {stored}")
    wait_for(lambda: all(one["status"] == "processed" for one in company.api.get("/api/v1/documents").json()["items"]), limit_s=180)
    assert company.box.process.poll() is None
