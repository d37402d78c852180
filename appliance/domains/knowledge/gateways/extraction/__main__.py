"""What stands ready beside a worker: libraries loaded, no keys, no settings, no document. Each document is read by a fork of it.

The fork sets its limits first, then reads the file, then writes lines. It is ended at the word of the worker, or when that is gone.
"""

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn, TextIO

from appliance.domains.knowledge.gateways.extraction import reader, wire
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
NICENESS, CPU_GRACE = 5, 5
SELDOM = 50_000  # new objects between two looks for cycles: a page of words makes thousands, and none of them is one
_libc = ctypes.CDLL(None)


def confine(limits: Limits) -> None:
    for which, most in (
        (resource.RLIMIT_AS, limits.memory_bytes), (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.temporary_bytes), (resource.RLIMIT_NOFILE, limits.open_files), (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        grace = CPU_GRACE if which == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0  # first the signal that says why
        resource.setrlimit(which, (allowed, allowed + grace))
    os.nice(NICENESS)
    _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)  # no network where the kernel lets us; refused is fine
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def read(document: int, filename: str, limits: Limits, out: TextIO) -> None:
    with open(document, "rb") as stream:
        content = stream.read(limits.file_bytes + 1)
    found = reader.extract(content, filename, limits, lambda page, pages: print(wire.progress(page, pages), file=out, flush=True))
    for said in wire.extraction(found):
        print(said, file=out)


def answer(document: int, asked: dict[str, Any], out: TextIO) -> None:
    limits = Limits(**asked["limits"])
    confine(limits)
    try:
        read(document, asked["filename"], limits, out)
    except Unreadable as problem:
        print(wire.failure(problem.failure, problem.detail, problem.line), file=out)
    except MemoryError:
        print(wire.failure(ExtractionFailure.OUT_OF_MEMORY, "MemoryError"), file=out)
    except Exception as problem:  # noqa: BLE001 - the outermost edge: whatever a library trips over is a damaged file
        print(wire.failure(ExtractionFailure.CORRUPT, f"{type(problem).__name__}: {problem}"), file=out)
    out.flush()


def be_the_fork(asked: dict[str, Any], document: int, answers: int, complaints: int) -> NoReturn:
    try:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        gc.freeze()  # the libraries' pages stay shared with the process it came from
        gc.set_threshold(SELDOM)
        sys.dont_write_bytecode = True
        os.dup2(complaints, 1)  # libraries that print do not speak for us
        os.dup2(complaints, 2)
        os.environ["HOME"] = os.environ["TMPDIR"] = asked["folder"]
        os.chdir(asked["folder"])
        with open(answers, "w", encoding="utf-8") as out:
            answer(document, asked, out)
    finally:
        os._exit(0)  # native libraries may hang in their own clean-up


def serve(control: socket.socket) -> None:
    """One document at a time, until nobody is at the other end."""
    while True:
        said, files, _, _ = socket.recv_fds(control, wire.LONGEST_REQUEST, 3)
        if not said:
            return
        asked = json.loads(said)
        reader.load(asked["filename"])
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            control.close()
            be_the_fork(asked, *files)
        with suppress(PermissionError):
            os.setpgid(child, child)
        for file in files:
            os.close(file)
        control.recv(1)
        os.killpg(child, signal.SIGKILL)
        control.send(str(os.waitpid(child, 0)[1]).encode())


def main() -> None:
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for taken in (0, 1, 2):
        os.dup2(nothing, taken)
    with suppress(ConnectionError):
        serve(control)


main()
