"""Machines on one network, each a network namespace with an address of its own and nothing else in reach."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=PATIENCE_S)


class Machine:
    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Our Python on this machine."""
        command = ["ip", "netns", "exec", self.name, sys.executable, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})}, start_new_session=True)
        self._started.append(process)
        return process

    def open_door(self, listen: str, target: str) -> None:
        """What stands on `target` is reached on `listen`: a path (of the disk they share) or host:port of this machine."""
        self.start("-m", "tests.peers.doorway", listen, target)

    def lose_power(self) -> None:
        for process in self._started:
            process.kill()
        for process in self._started:
            process.wait(timeout=PATIENCE_S)

    def turn_off(self) -> None:
        for process in self._started:
            process.terminate()
        for process in self._started:
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=PATIENCE_S)


@contextlib.contextmanager
def network(*names: str) -> Iterator[list[Machine]]:
    """As many machines, wired to one switch. Needs root."""
    prefix = f"se{os.getpid()}"
    switch = f"{prefix}sw"
    machines = [Machine(f"{prefix}{name}", f"10.77.0.{number}") for number, name in enumerate(names, 1)]
    try:
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "sw", "type", "bridge")
        _ip("-n", switch, "link", "set", "sw", "up")
        for number, machine in enumerate(machines, 1):
            _ip("netns", "add", machine.name)
            _ip("-n", machine.name, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{number}", "netns", switch)
            _ip("-n", switch, "link", "set", f"port{number}", "master", "sw", "up")
            _ip("-n", machine.name, "link", "set", "lo", "up")
            _ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", "eth0")
            _ip("-n", machine.name, "link", "set", "eth0", "up")
        yield machines
    finally:
        for machine in machines:
            machine.turn_off()
        for name in (*(machine.name for machine in machines), switch):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=PATIENCE_S)


def until_it_is_there(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.05)
