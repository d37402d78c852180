"""A child of a supervisor that was killed ends, whatever it makes of the signal that tells it so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.entrypoints import children
from tests.architecture.house import ROOT

DEAF = """
import os, signal, sys, time
from appliance.entrypoints import children

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    time.sleep(600)

children.ORPHAN_S = 0.1
signal.signal(signal.SIGTERM, lambda *_args: None)
children.Forked("deaf", deaf)
time.sleep(600)
"""


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_child_that_is_deaf_to_signals_ends_soon_after_its_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        try:
            eventually(lambda: not _is_there(child))
        finally:
            if _is_there(child):
                os.kill(child, signal.SIGKILL)


def test_child_whose_parent_died_before_it_could_ask_for_word_of_it_does_nothing() -> None:
    child = os.fork()
    if not child:
        children._in_child(lambda: os._exit(7), "late", parent=os.getpid())
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_child_that_is_told_to_end_ends(sign: signal.Signals) -> None:
    child = children.Forked("sleeper", signal.pause)
    assert child.pid
    os.kill(child.pid, sign)
    eventually(lambda: not child.alive())
