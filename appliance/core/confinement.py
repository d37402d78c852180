"""What a child that reads strangers' files does first: it may take only so much of the machine, and no network where the kernel lets us."""

import ctypes
import os
import resource
import signal

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
NICENESS, CPU_GRACE = 5, 5
_libc = ctypes.CDLL(None)


def confine(*, memory_bytes: int, cpu_seconds: int, file_bytes: int, open_files: int) -> None:
    for which, most in (
        (resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        hard = resource.getrlimit(which)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        grace = CPU_GRACE if which == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0  # first the signal that says why
        resource.setrlimit(which, (allowed, allowed + grace))
    os.nice(NICENESS)
    _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)  # refused is fine
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
