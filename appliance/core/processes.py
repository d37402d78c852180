"""Other processes of this machine."""

import os


def is_running(pid: int) -> bool:
    """Asked of the kernel: under its unit a process does not see the others in /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
