"""Ports for servers that are told theirs. Not of those that the system gives to whoever calls somebody: by the time a slow server
listens, one of these may be a caller's.
"""

import itertools
import os
import random
import socket

LOWEST, HIGHEST = 12_000, 32_000  # Linux gives callers those from 32768


WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2
_turns = itertools.count(random.randrange(HIGHEST // 2) * 2 + WORKER, 2)  # two runs begin apart; two workers never meet


def free_port() -> int:
    """None is told twice by one process."""
    while True:
        port = LOWEST + next(_turns) % (HIGHEST - LOWEST)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
