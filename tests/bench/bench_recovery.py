"""How soon a box that works answers again after each thing that can befall it: python -m tests.bench.bench_recovery.

A whole box on PostgreSQL with one worker; every second and a half a new customer asks by way of Meta, and each is answered. What befalls the
box is ended after a moment, or at once where it is a death; from then on it is counted until somebody who wrote later has the answer. At the
end everybody who was taken with a 200 has to have one answer, and one alone.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.survive.faults import PROCESSES, Clock, Company, company

GOAL_S = 10.0
LASTS_S = 5.0


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, company(Path(folder)) as firm:
        tell(firm, "nothing", time.monotonic())  # what an answer takes here anyway
        for name in PROCESSES:
            tell(firm, f"kill -9 of {name.removeprefix('se-')}", firm.kill(name))
        firm.forget()
        tell(firm, "Redis emptied", time.monotonic())
        for name, fault in lasting(firm):
            with fault:
                time.sleep(LASTS_S)
            tell(firm, name, time.monotonic())
        firm.check_nothing_is_lost()
        print(f"{len(firm.customers.taken)} customers, each with one answer; {len(firm.pressed)} of them by a person's button")
        late = {name for name, seconds in firm.seconds.items() if seconds >= GOAL_S and name != "start"}
    return 1 if late else 0


def lasting(firm: Company) -> Iterator[tuple[str, AbstractContextManager[None]]]:
    yield "Redis hung", firm.held("redis-server")
    yield "model server hung", firm.held("models")
    yield "PostgreSQL ended at once and started", firm.without_postgres()
    yield "root key gone", firm.without_key()
    if Clock.library() is not None:
        yield "clock two hours ahead, and right again", firm.clock_at("+2h")
        yield "clock a day behind, and right again", firm.clock_at("-1d")


def tell(firm: Company, name: str, since: float) -> None:
    firm.recovered(name, since)
    firm.check_nothing_is_lost()
    print(f"{name:<40} {firm.seconds[name]:5.1f} s of {GOAL_S:.0f}; load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
