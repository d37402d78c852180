"""Becomes another program under what a unit forbids, as far as that can be had without systemd: system calls, new code, privileges.

`python confined.py ALLOWED_CALLS... -- PROGRAM ARGUMENTS...`. The kernel's filter is put together by libseccomp, which systemd uses too.
"""

import ctypes
import os
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
ERRNO_EPERM, ALLOW = 0x00050001, 0x7FFF0000
UNKNOWN = -1


def main() -> None:
    end = sys.argv.index("--")
    confine(sys.argv[1:end])
    os.execv(sys.argv[end + 1], sys.argv[end + 1 :])


def confine(allowed: list[str]) -> None:
    seccomp, libc = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(ERRNO_EPERM)))
    for name in allowed:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number > UNKNOWN:
            seccomp.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), ctypes.c_int(number), ctypes.c_uint(0))
    libc.prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)  # Linux 6.3; older ones do without
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert seccomp.seccomp_load(context) == 0


if __name__ == "__main__":
    main()
