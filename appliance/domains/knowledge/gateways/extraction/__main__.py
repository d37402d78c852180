"""The child: limits first, then the file from standard input, then lines to standard output."""

import ctypes
import json
import os
import resource
import signal
import sys
from typing import TextIO

from appliance.domains.knowledge.gateways.extraction import wire
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NICENESS, CPU_GRACE = 5, 5


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
    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)  # no network where the kernel lets us; refused is fine
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def read(filename: str, limits: Limits, out: TextIO) -> None:
    from appliance.domains.knowledge.gateways.extraction import reader  # noqa: PLC0415 - heavy: after the limits

    content = sys.stdin.buffer.read(limits.file_bytes + 1)
    found = reader.extract(content, filename, limits, lambda page, pages: print(wire.progress(page, pages), file=out, flush=True))
    for said in wire.extraction(found):
        print(said, file=out)


def main() -> int:
    filename, allowed = sys.argv[1:]
    limits = Limits(**json.loads(allowed))
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries that print do not speak for us
    confine(limits)
    try:
        read(filename, limits, out)
    except Unreadable as problem:
        print(wire.failure(problem.failure, problem.detail, problem.line), file=out)
    except MemoryError:
        print(wire.failure(ExtractionFailure.OUT_OF_MEMORY, "MemoryError"), file=out)
    except Exception as problem:  # noqa: BLE001 - the outermost edge: whatever a library trips over is a damaged file
        print(wire.failure(ExtractionFailure.CORRUPT, f"{type(problem).__name__}: {problem}"), file=out)
    out.flush()
    os._exit(0)  # native libraries may hang in their own clean-up


main()
