"""A real model server in its own process, on a unix socket."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120


@dataclass
class Running:
    home: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.socket, self.models, self.indexes = self.home / "m.sock", self.home / "models", self.home / "indexes"
        self.key = self.home / "key"
        self.models.mkdir(parents=True, exist_ok=True)
        if not self.key.exists():
            self.key.write_bytes(os.urandom(32))

    def launch(self) -> None:
        command = [sys.executable, "-m", "modelserver", "--socket", self.socket, "--models", self.models, "--indexes", self.indexes]
        command += ["--key-file", self.key, "--threads", "1", *self.options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "models"), "OMP_WAIT_POLICY": "PASSIVE"}
        self.process = subprocess.Popen([str(part) for part in command], env=environment)

    def start(self) -> "Running":
        self.launch()
        assert self.process is not None
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            assert self.process.poll() is None, "the model server died while starting"
            try:
                with self.client() as client:
                    client.get("/health").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("the model server did not start")

    def client(self, timeout: float = 60) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://models", timeout=timeout)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_S)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)
