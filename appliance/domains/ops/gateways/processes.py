"""Programs that end with whoever started them, and in time. What they say is kept in memory-sized files, not on pipes that fill up."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.errors import BackupFailed, TookTooLong

KILLED_WITHIN_S = 10.0  # what waits for a disk or a share that does not answer may not end before that does
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # else a copy would go on, cut short, and look like a whole one


@dataclass
class Run:
    """`said` and `complaint`: its output, once it has ended."""

    process: subprocess.Popen[bytes]
    line: socket.socket
    said: str = ""
    complaint: str = ""
    timed_out: bool = False

    def stop(self) -> None:
        """At once, with what it started. Whoever writes to it or reads from it goes on, even if it does not end."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)

    def expire(self) -> None:
        self.timed_out = True
        self.stop()

    def has_ended(self, within_s: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(within_s)
        return self.process.returncode is not None


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], *, timeout_s: float, writes: bool = False, reads: bool = False,
    hands: Sequence[int] = (), folder: str | None = None,
) -> Iterator[Run]:
    """It has ended when this is left; stopped at once if that is by an exception. `writes`, `reads`: its stdin, its stdout are ours.

    Raises TookTooLong, at the latest a little after `timeout_s`, also where it cannot be ended.
    """
    if shutil.which(command[0]) is None:
        raise BackupFailed(_("The program %(name)s is missing. Install it: apt-get install %(name)s", name=command[0]))
    until = time.monotonic() + timeout_s
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        ours, theirs = socket.socketpair()  # a pipe to what hangs could not be taken from who waits for it
        with ours, theirs:
            process = subprocess.Popen(  # noqa: S603 - programs that are named here
                [*_DIES_WITH_US, *command], env=dict(environment), pass_fds=tuple(hands), cwd=folder, start_new_session=True,
                stdin=theirs.fileno() if writes else subprocess.DEVNULL, stdout=theirs.fileno() if reads else out, stderr=err,
            )
            process.stdin = ours.makefile("wb") if writes else None
            process.stdout = ours.makefile("rb") if reads else None
        run = Run(process, ours)
        clock = threading.Timer(timeout_s, run.expire)
        clock.daemon = True
        clock.start()
        try:
            yield run
            _close(process.stdin)
            if not run.has_ended(max(until - time.monotonic(), 0)):
                run.expire()
        finally:
            clock.cancel()
            run.stop()
            hangs = not run.has_ended(KILLED_WITHIN_S)
            if hangs:
                threading.Thread(target=process.wait, daemon=True).start()  # unburied, it would pass for alive with who asks for its number
            _close(process.stdin)
            _close(process.stdout)
            run.said, run.complaint = _read(out), _read(err)
        if hangs:
            raise TookTooLong(_(
                "%(name)s hangs and cannot be stopped: a disk or a share does not answer. "
                "Is the server of the share there, and the disk connected?", name=command[0],
            ))
        if run.timed_out:
            raise TookTooLong(_("%(name)s took longer than it may and was stopped.", name=command[0]))


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(ConnectionError):
            pipe.close()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
