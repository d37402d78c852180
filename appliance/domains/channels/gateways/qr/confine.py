"""`python -m …confine PARENT MODULE ARGUMENTS`: a module run as a child that dies with its parent and takes only so much."""

import ctypes
import os
import resource
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
MOST_MEMORY = 768 * 2**20  # bytes of own pages; the library takes about 100 MB
MOST_FILES = 256
MOST_ON_DISK = 256 * 2**20


def main() -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_DUMPABLE, 0)  # nobody else of the machine reads its keys
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)  # the parent went before it could be followed
    limits = (
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, MOST_MEMORY), (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_FSIZE, MOST_ON_DISK),
    )  # fmt: skip
    for kind, most in limits:
        resource.setrlimit(kind, (most, most))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
