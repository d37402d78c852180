"""A whole box, started as its operator starts it, for tests that need all of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
EMAIL, PASSWORD = "ana@solara.example", "a long and quiet sentence"
START_S = 360


@dataclass
class RunningBox:
    home: Path
    port: int
    process: subprocess.Popen
    environment: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self):
        api = httpx.Client(base_url=self.url, timeout=60)
        answer = api.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        answer.raise_for_status()
        api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return api

    def children(self):
        """Process ids by name: redis, models, and ours as `ps` shows them."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it is gone by now
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                found.setdefault("models" if b"modelserver" in command else name, []).append(int(pid))
        return found

    def kill(self, name):
        for pid in self.children().get(name, [])[:1]:
            os.kill(pid, signal.SIGKILL)

    def cli(self, *arguments):
        command = [sys.executable, "-m", "appliance.entrypoints.cli", *arguments]
        return subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


@contextlib.contextmanager
def running_box(home, **settings):
    """`settings` as SALESEDGE__SECTION__KEY values."""
    environment = {
        **os.environ,
        "SALESEDGE_HOME": str(home / "data"),
        "SALESEDGE__KEYS__MASTER_KEY_FILE": str(home / "master.key"),
        "SALESEDGE__LOGS__LEVEL": "error",
        **{f"SALESEDGE__{name.upper()}": value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()},
    }
    port = free_port()
    command = [sys.executable, "-m", "appliance.entrypoints.cli", "up", "--port", str(port)]
    box = RunningBox(home, port, subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL), environment)
    try:
        await_ready(box)
        yield box
    finally:
        box.process.send_signal(signal.SIGTERM)
        try:
            box.process.wait(timeout=180)
        except subprocess.TimeoutExpired:
            box.process.kill()
            raise


def set_up(box, tenant="Solara Energia"):
    password = box.home / "password"
    password.write_text(PASSWORD)
    done = box.cli("setup", "--email", EMAIL, "--password-file", str(password), "--tenant", tenant, "--name", "Ana Prado", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def open_number(api):
    """A WhatsApp number whose agent answers at once, however much is asked."""
    settings = {"debounce_ms": 0, "handoff": {"max_replies_in_10_minutes": 200}}
    agent = api.post("/api/v1/agents", json={"name": "Lia", "settings": settings}).json()
    api.post(f"/api/v1/agents/{agent['id']}/publish", json={}).raise_for_status()
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    number = {"kind": "whatsapp_cloud", "name": "Comercial", "external_id": NUMBER}
    api.post("/api/v1/channels", json={**number, "agent_id": agent["id"], "secrets": secrets}).raise_for_status()


def await_ready(box):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{box.url}/health/ready", timeout=30).status_code == 200:
                return
        assert box.process.poll() is None, "the box ended"
        time.sleep(0.1)
    raise AssertionError("the box did not become ready")


def wait_for(what, *, limit_s, every_s=0.3, why=lambda: ""):
    """The first true answer of `what`; `why` says what is known when it never comes."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError, LookupError):  # not there yet, or an answer that says so
            found = what()
            if found:
                return found
        time.sleep(every_s)
    raise AssertionError(f"still waiting after {limit_s} s: {why()}")
