"""Programs that end with whoever started them, and in time. What they say is kept in memory-sized files, not on pipes that fill up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.errors import BackupFailed

_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # else a copy would go on, cut short, and look like a whole one


@dataclass
class Run:
    """`said` and `complaint`: its output, once it has ended."""

    process: subprocess.Popen[bytes]
    said: str = ""
    complaint: str = ""
    timed_out: bool = False

    def stop(self) -> None:
        """At once, with what it started."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def expire(self) -> None:
        self.timed_out = True
        self.stop()


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], *, timeout_s: float, writes: bool = False, reads: bool = False,
    hands: Sequence[int] = (), folder: str | None = None,
) -> Iterator[Run]:
    """It has ended when this is left; stopped at once if that is by an exception. `writes`, `reads`: its stdin, its stdout are ours."""
    if shutil.which(command[0]) is None:
        raise BackupFailed(_("The program %(name)s is missing. Install it: apt-get install %(name)s", name=command[0]))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(  # noqa: S603 - programs that are named here
            [*_DIES_WITH_US, *command], env=dict(environment), pass_fds=tuple(hands), cwd=folder, start_new_session=True,
            stdin=subprocess.PIPE if writes else subprocess.DEVNULL, stdout=subprocess.PIPE if reads else out, stderr=err,
        )
        run = Run(process)
        clock = threading.Timer(timeout_s, run.expire)
        clock.daemon = True
        clock.start()
        try:
            yield run
            _close(process.stdin)
            process.wait()
        finally:
            clock.cancel()
            run.stop()
            process.wait()
            _close(process.stdin)
            _close(process.stdout)
            run.said, run.complaint = _read(out), _read(err)
        if run.timed_out:
            raise BackupFailed(_("%(name)s took longer than it may and was stopped.", name=command[0]))


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
