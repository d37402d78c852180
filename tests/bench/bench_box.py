"""`python -m tests.bench.bench_box`: how long the box takes to be ready, and what it holds when idle."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

READY_GOAL_S = 10
MEMORY_GOAL_MB = 700
SETTLE_S = 8


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        for turn in ("first start (makes key and tables)", "second start"):
            port = free_port()
            environment = {**os.environ, "SALESEDGE_HOME": home, "SALESEDGE__KEYS__MASTER_KEY_FILE": f"{home}.key"}
            started = time.perf_counter()
            box = subprocess.Popen([sys.executable, "-m", "appliance.entrypoints.cli", "up", "--port", str(port)], env=environment)
            try:
                await_ready(port)
                seconds = time.perf_counter() - started
                print(f"{turn}: ready in {seconds:.1f} s, {seconds / READY_GOAL_S:.2f} of the goal of {READY_GOAL_S} s")
                time.sleep(SETTLE_S)
                report_memory(box.pid)
            finally:
                started = time.perf_counter()
                box.send_signal(signal.SIGTERM)
                code = box.wait(timeout=30)
                print(f"stopped in {time.perf_counter() - started:.1f} s with exit code {code}")
        Path(f"{home}.key").unlink(missing_ok=True)


def report_memory(pid: int) -> None:
    total = 0.0
    for member in tree(pid):
        kib = proportional_kib(member)
        total += kib
        name = Path(f"/proc/{member}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:60]
        print(f"  {kib / 1024:7.1f} MB  {name}")
    print(f"  {total / 1024:7.1f} MB in all (proportional), {total / 1024 / MEMORY_GOAL_MB:.2f} of the goal of {MEMORY_GOAL_MB} MB")


def proportional_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except ProcessLookupError:  # it has just ended
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def tree(pid: int) -> list[int]:
    """Those that are there; one may end meanwhile."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(member for child in children for member in tree(int(child)))]


def await_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.05)
    raise SystemExit("the box did not become ready")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
