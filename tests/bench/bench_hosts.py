"""Answers of a language model on one host and on two: python -m tests.bench.bench_hosts [SECONDS] [--callers 8].

The hosts are scripted: each answers one question at a time, as a small graphics card does, and takes as long for each. What is measured is
how one process spreads questions of different callers, with as many places as callers (`server.threads`), not a model. A third line has two
hosts of which one is switched off.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from appliance.core import places, telemetry
from appliance.core.config import LogSettings, ModelSettings, ServerSettings, Settings
from appliance.inference import http
from appliance.inference.types import ChatMessage
from tests.inference.peers import Answer, Scripted, serving

TAKES_S = 0.2
OFF = "http://127.0.0.1:9"
ASK = [ChatMessage("user", "quanto custa o frete?")]
SAYS = json.dumps({"message": {"content": "R$ 31,50"}, "done": False}).encode() + b"\n"
ENDS = json.dumps({"message": {"content": ""}, "done": True, "done_reason": "stop"}).encode() + b"\n"


def one_at_a_time() -> Answer:
    turn = threading.Lock()

    def pieces() -> Iterator[bytes]:
        with turn:
            time.sleep(TAKES_S)
            yield SAYS
        yield ENDS

    return lambda _path, _body: (200, pieces(), "application/x-ndjson")


def answers_per_s(addresses: list[str], seconds: float, callers: int) -> float:
    models = ModelSettings(chat_engine="ollama", chat_url=addresses, chat_model="m")
    inference = http.connect(Settings(home=Path("/nowhere"), models=models, server=ServerSettings(threads=2 * callers + 1)))
    answered: list[float] = []
    ends = time.perf_counter() + seconds

    def ask_on(who: str) -> None:
        places.asking.set(who)
        while time.perf_counter() < ends:
            list(inference.chat_stream(ASK))
            answered.append(time.perf_counter())

    everybody(ask_on, callers)
    return sum(at <= ends for at in answered) / seconds


def everybody(work: Callable[[str], None], number: int) -> None:
    threads = [threading.Thread(target=work, args=(f"caller {one}",)) for one in range(number)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=10.0)
    parser.add_argument("--callers", type=int, default=8)
    asked = parser.parse_args()
    telemetry.configure_logs(LogSettings(level="error"), "bench")
    with ExitStack() as stack:
        first, second = (stack.enter_context(serving(Scripted(one_at_a_time()).kind())) for _ in range(2))
        one = answers_per_s([first], asked.seconds, asked.callers)
        print(f"1 host                          {one:6.2f} answers/s")
        for label, addresses in (("2 hosts", [first, second]), ("2 hosts, one of them off", [OFF, first])):
            found = answers_per_s(addresses, asked.seconds, asked.callers)
            print(f"{label:<31} {found:6.2f} answers/s, {found / one:.2f} of one host's")


if __name__ == "__main__":
    main()
