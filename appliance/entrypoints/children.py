"""The processes under a supervisor: how each is started, asked after, restarted and stopped."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Protocol

from appliance.core import faults, receivers

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
CALM_S = 30.0
ORPHAN_S = 5.0  # to put things away when the supervisor is gone
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_fork = multiprocessing.get_context("fork")


class Running(Protocol):
    @property
    def pid(self) -> int | None: ...

    def alive(self) -> bool: ...


class Forked:
    """A child of ours: forked from this process, so that what is imported here is shared and starts at once."""

    def __init__(self, name: str, target: Callable[[], None]) -> None:
        self._process = _fork.Process(target=_in_child, args=(target, name, os.getpid()), name=name)
        self._process.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.is_alive()


class Spawned:
    """A child that is another program, of which nothing is lost when it is killed with its parent.

    `stdin` is given to it once: how a key reaches it without touching a disk.
    """

    def __init__(self, command: list[str], environment: dict[str, str], *, stdin: bytes = b"", output: int | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            command, env=environment, stdin=subprocess.PIPE, stdout=output, preexec_fn=_die_at_once  # noqa: PLW1509 - no threads here
        )
        assert self._process.stdin is not None
        self._process.stdin.write(stdin)
        self._process.stdin.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        return self._process.wait()


def _in_child(target: Callable[[], None], name: str, parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # before anybody may send one: our parent's answer to it is not ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    _outlive_no(parent)
    ctypes.CDLL(None).prctl(_PR_SET_NAME, f"se-{name}".encode())  # what ps and top show
    try:
        Context().run(target)  # whom it speaks to is none of the terminal's business
    except Exception as err:
        faults.tell(err, {}, "fatal")  # what starts a child prints this by itself, and asks no hook
        raise
    finally:
        receivers.flush()


def die_with_parent(sign: signal.Signals = signal.SIGTERM) -> None:
    """Linux: if the parent is killed, this process gets `sign` instead of living on without one."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)


def _die_at_once() -> None:
    die_with_parent(signal.SIGKILL)


def bound_to_us() -> Callable[[], None]:
    """For `preexec_fn`: what it runs in is killed with this process."""
    parent = os.getpid()

    def bind() -> None:
        _die_at_once()
        if os.getppid() != parent:
            os._exit(1)

    return bind


def _outlive_no(parent: int) -> None:
    """The signal may be missed (the parent died before we asked for it) or never be obeyed (a library that waits for Redis for ever)."""
    with contextlib.suppress(OSError):  # gone already, or a kernel without it
        threading.Thread(target=_end_after, args=(os.pidfd_open(parent),), name="orphan", daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _end_after(parent: int) -> None:
    select.select([parent], [], [])  # readable once that process has ended
    time.sleep(ORPHAN_S)
    os._exit(1)


@dataclass
class Child:
    name: str
    start: Callable[[], Running]
    running: Running | None = None
    started_at: float = 0.0
    failures: int = 0
    retry_at: float = 0.0

    def launch(self) -> None:
        self.running = self.start()
        self.started_at = time.monotonic()

    def tend(self, passing: tuple[type[Exception], ...] = (), say: Callable[[str], object] = str) -> bool:
        """Restart it if it died and its wait is over. True when it had died. `passing`: what keeps it from starting for a while."""
        now = time.monotonic()
        if self.running is not None and self.running.alive():
            return False
        if self.running is not None:
            self.failures = 0 if now - self.started_at > CALM_S else self.failures
            self.running = None
            self.put_off()
            return True
        if now >= self.retry_at:
            try:
                self.launch()
            except passing as err:
                say(str(err))
                self.put_off()
        return False

    def put_off(self) -> None:
        """It ended, or could not be started: each time it is tried later."""
        self.failures += 1
        self.retry_at = time.monotonic() + min(FIRST_WAIT_S * 2 ** min(self.failures - 1, 10), LONGEST_WAIT_S)

    def stop(self, sign: signal.Signals) -> None:
        if self.running is not None and self.running.pid and self.running.alive():
            os.kill(self.running.pid, sign)
