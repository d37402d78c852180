"""What stands ready beside a worker: libraries loaded, no keys, no settings, no document. Each document is read by a fork of it.

The fork sets its limits first, then reads the file, then writes lines. It is ended at the word of the worker, or when that is gone.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn, TextIO

from appliance.core import confinement
from appliance.domains.knowledge.gateways.extraction import reader, wire
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure

SELDOM = 50_000  # new objects between two looks for cycles: a page of words makes thousands, and none of them is one


def read(document: int, filename: str, limits: Limits, out: TextIO) -> None:
    with open(document, "rb") as stream:
        content = stream.read(limits.file_bytes + 1)
    found = reader.extract(content, filename, limits, lambda page, pages: print(wire.progress(page, pages), file=out, flush=True))
    for said in wire.extraction(found):
        print(said, file=out)


def answer(document: int, asked: dict[str, Any], out: TextIO) -> None:
    limits = Limits(**asked["limits"])
    confinement.confine(
        memory_bytes=limits.memory_bytes, cpu_seconds=limits.cpu_seconds, file_bytes=limits.temporary_bytes, open_files=limits.open_files
    )
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
        confinement.die_with_parent()
        gc.freeze()  # the libraries' pages stay shared with the process it came from
        gc.set_threshold(SELDOM)
        gc.enable()
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
    gc.disable()  # libraries are loaded with a fifth less: what they make stays
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for taken in (0, 1, 2):
        os.dup2(nothing, taken)
    with suppress(ConnectionError):
        serve(control)


main()
