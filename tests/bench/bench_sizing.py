"""What a unit of work costs the box, and what one core of this machine carries: python -m tests.bench.bench_sizing [--messages 60] [--pages 60].

A whole box (`salesedge up`) on the embedded database: messages that are read, answered with quotes and sent to a peer; pages of a document; a minute
of speech by a model of the size of Whisper base; sets of pages that a person opens. By processor time of all its processes, which other work on the machine
disturbs least. Memory is proportional (what processes share counts once). `docs/operating/sizing.md` is written from what this prints.
"""

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.bench.bench_box import proportional_kib, tree
from tests.bench.bench_indexing import index, manual, spent
from tests.bench.bench_reply import TimedPeer, measure, open_shop, wait_on_purpose
from tests.bench.bench_transcription import served
from tests.journeys.running import EMAIL, PASSWORD, RunningBox, running_box, set_up
from tests.modelserver import tiny_whisper
from tests.modelserver.running import Running
from tests.modelserver.sounds import voice, wav

SHARE = 0.5  # of a core that a company may use in its busiest hour; the rest is for peaks
FIRST_PERSON = 5511955000000
SPEECH_S = 60.0
ROUNDS = 3
SCREENS = ("/", "/inbox", "/contacts", "/knowledge")
IDLE_S = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=60)
    parser.add_argument("--pages", type=int, default=60)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, TimedPeer() as graph, running_box(
        Path(folder), channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"]
    ) as box:
        set_up(box)
        with contextlib.closing(box.client()) as api:
            agent = open_shop(api)
            wait_on_purpose(api, agent, 0)
            idle(box)
            before = stored(box)
            _customers, _taken, cpu = measure(box, graph, FIRST_PERSON, asked.messages / 5, 5)
            told("message of a customer, with its answer", cpu)
            print(f"  {(stored(box) - before) / asked.messages / 1024:.1f} KiB of disk each, with its journal and the queue's")
            took, _texts = index(box, api, {"manual.pdf": manual([PASSAGE], asked.pages)})
            told("page of a document", took.cpu / asked.pages)
        screens(box)
        print(f"memory after all this: {memory_mb(box):.0f} MB")
    speech()


PASSAGE = (
    "A garantia do inversor cobre defeitos de fabricação por dez anos, desde que a instalação tenha sido feita por técnico credenciado e o registro do "
    "produto esteja em dia. O cliente informa o número de série, a data da compra e o endereço da instalação, e recebe a visita em até cinco dias úteis."
)


def told(label: str, cpu_s: float) -> None:
    """`cpu_s`: processor seconds of one."""
    hourly = 3600 * SHARE / cpu_s
    print(f"{label:<42} {cpu_s * 1e3:8.1f} ms of processor; {hourly:9.0f} an hour in half of a core", flush=True)


def idle(box: RunningBox) -> None:
    time.sleep(IDLE_S / 4)  # what a start leaves to be done
    before = spent(box.process.pid)
    time.sleep(IDLE_S)
    took = spent(box.process.pid) - before
    print(f"idle: {took.cpu / took.seconds:.1%} of a core, {memory_mb(box):.0f} MB", flush=True)


def memory_mb(box: RunningBox) -> float:
    return sum(map(proportional_kib, tree(box.process.pid))) / 1024


def stored(box: RunningBox) -> int:
    return sum(path.stat().st_size for path in (box.home / "data").rglob("*") if path.is_file())


def screens(box: RunningBox) -> None:
    """What the box does for one screen; the browser asks for files once and keeps them."""
    with httpx.Client(base_url=box.url, timeout=30, follow_redirects=True) as person:
        sign_in(person)
        for address in SCREENS:
            person.get(address).raise_for_status()
        before = spent(box.process.pid)
        for _ in range(10):
            for address in SCREENS:
                person.get(address).raise_for_status()
        told("screen that a person opens", (spent(box.process.pid) - before).cpu / 10 / len(SCREENS))


def sign_in(person: httpx.Client) -> None:
    page = person.get("/login").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    person.post("/login", data={"csrf_token": token, "email": EMAIL, "password": PASSWORD}).raise_for_status()


def speech() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        running = Running(Path(folder), ("--threads", "1", "--timeout", "600"))
        tiny_whisper.install(running.models, tiny_whisper.BASE)
        running.start()
        try:
            with running.client(600) as client:
                once: Callable[[], tuple[float, float]] = served(running, client, wav(voice(SPEECH_S)))
                once()
                told("minute of speech (size of Whisper base)", sum(once()[0] for _ in range(ROUNDS)) / ROUNDS)
        finally:
            running.stop()


if __name__ == "__main__":
    main()
