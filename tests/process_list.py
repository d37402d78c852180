"""Processes as /proc shows them. What is listed may have ended by the time it is read."""

import time
from collections.abc import Iterator
from pathlib import Path

LIMIT_S = 60.0


def child_process(words: str) -> Path:
    """The folder of one of this process's own children, once there is one with these words in its command."""
    ends = time.monotonic() + LIMIT_S
    while time.monotonic() < ends:
        for pid in _children():
            if words in command_of(pid):
                return Path("/proc", str(pid))
        time.sleep(0.02)
    raise AssertionError(f"no child runs {words}")


def command_of(pid: int) -> str:
    """Empty where it has ended."""
    return _read(Path(f"/proc/{pid}/cmdline"))


def _children() -> Iterator[int]:
    for task in Path("/proc/self/task").iterdir():
        yield from map(int, _read(task / "children").split())


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
