"""The parent's side: have a child read, listen to it, and end it when it takes too much."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import appliance
from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.knowledge.gateways.extraction import wire
from appliance.domains.knowledge.gateways.extraction.failures import ExtractionError
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.types import Block, Extraction, ExtractionFailure

Progress = Callable[[int, int | None], None]
CHILD = "appliance.domains.knowledge.gateways.extraction"
SOURCE_ROOT = Path(appliance.__file__).parents[1]
KILLED_FOR = {signal.SIGXCPU: ExtractionFailure.TIMED_OUT, signal.SIGKILL: ExtractionFailure.OUT_OF_MEMORY}
CHUNK = 1 << 16
STDERR_TAIL = 2000
ENDING_S = 10.0
_standing: dict[int, "Standby"] = {}
_one_at_a_time = threading.Lock()


def run_extraction(
    document: Path | bytes, filename: str, limits: Limits | None = None, on_progress: Progress | None = None,
) -> Extraction:
    """Read in a child process of its own. Raises ExtractionError for what the file does, Unavailable when the reader was ended."""
    limits = limits or Limits()
    size = document.stat().st_size if isinstance(document, Path) else len(document)
    if not size:
        raise ExtractionError(ExtractionFailure.EMPTY)
    if size > limits.file_bytes:
        raise ExtractionError(ExtractionFailure.TOO_LARGE, f"{size} bytes")
    with tempfile.TemporaryDirectory(prefix="extraction-", ignore_cleanup_errors=True) as folder, _opened(document) as content, \
            tempfile.TemporaryFile() as stderr, _one_at_a_time:
        asked = {"filename": filename, "folder": folder, "limits": asdict(limits)}
        with _standby().reading(asked, content, stderr) as child:
            return _listen(child, limits, on_progress, stderr)


@contextmanager
def _opened(document: Path | bytes) -> Iterator[IO[bytes]]:
    """Decrypted bytes stay in memory: they never touch the disk."""
    if isinstance(document, Path):
        with document.open("rb") as stream:
            yield stream
        return
    with os.fdopen(os.memfd_create("document"), "w+b") as memory:
        memory.write(document)
        memory.flush()
        memory.seek(0)
        yield memory


class Standby:
    """A process with the libraries loaded, and nothing of ours: it forks for each document."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(ENDING_S)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
                [sys.executable, "-m", CHILD], stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=_environment(), cwd="/", start_new_session=True,
            )

    def alive(self) -> bool:
        return self._process.poll() is None

    @contextmanager
    def reading(self, asked: Mapping[str, object], document: IO[bytes], stderr: IO[bytes]) -> Iterator["Child"]:
        answers, theirs = os.pipe()
        child = Child(answers, self._end)
        try:
            try:
                socket.send_fds(self._control, [json.dumps(asked).encode()], [document.fileno(), theirs, stderr.fileno()])
            finally:
                os.close(theirs)
            yield child
        finally:
            child.end()
            os.close(answers)

    def _end(self) -> int:
        """How the fork ended; one that still ran is killed, with all that it started. Unavailable when nobody can say any more."""
        try:
            self._control.send(b".")
            return os.waitstatus_to_exitcode(int(self._control.recv(32)))
        except (OSError, ValueError) as err:
            self._process.kill()
            self._process.wait()
            self._control.close()
            raise Unavailable(_("The process that reads documents was ended. The document is read again."), retry_after=1) from err


@dataclass
class Child:
    """`answers` is the pipe it writes to."""

    answers: int
    kill: Callable[[], int]
    code: int | None = None

    def end(self) -> int:
        if self.code is None:
            self.code = self.kill()
        return self.code


def _standby() -> Standby:
    """Of this process: what forks from it starts another."""
    found = _standing.get(os.getpid())
    if found is None or not found.alive():
        _standing.clear()
        found = _standing[os.getpid()] = Standby()
    return found


def _environment() -> dict[str, str]:
    """Nothing of ours: no keys, no proxies, no settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "PYTHONPATH": str(SOURCE_ROOT),
        "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in os.environ.items() if name == "TESSDATA_PREFIX"},
    }


def _listen(child: Child, limits: Limits, on_progress: Progress | None, stderr: IO[bytes]) -> Extraction:
    blocks: list[Block] = []
    for line in _lines(child.answers, limits):
        said = _parsed(line)
        if "progress" in said and on_progress:
            on_progress(*said["progress"])
        elif "block" in said:
            blocks.append(wire.read_block(said["block"]))
        elif "failure" in said:
            raise ExtractionError(ExtractionFailure(said["failure"]), said.get("detail", ""), line=said.get("line"))
        elif "done" in said:
            return wire.read_extraction(said["done"], blocks)
    code = child.end()
    raise ExtractionError(KILLED_FOR.get(signal.Signals(-code), ExtractionFailure.CORRUPT) if code < 0 else ExtractionFailure.CORRUPT,
                          f"child ended with {code}: {_tail(stderr)}")


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _lines(answers: int, limits: Limits) -> Iterator[bytes]:
    deadline = time.monotonic() + limits.wall_seconds
    rest, received = b"", 0
    with selectors.DefaultSelector() as waiting:
        waiting.register(answers, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.select(left):
                raise ExtractionError(ExtractionFailure.TIMED_OUT, f"no end after {limits.wall_seconds} s")
            chunk = os.read(answers, CHUNK)
            if not chunk:
                return
            received += len(chunk)
            if received > limits.text_bytes:
                raise ExtractionError(ExtractionFailure.TOO_LARGE, "more text than the limit")
            *complete, rest = (rest + chunk).split(b"\n")
            yield from complete


def _tail(stderr: IO[bytes]) -> str:
    stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, stderr.tell() - STDERR_TAIL))
    return stderr.read().decode("utf-8", "replace").strip()
