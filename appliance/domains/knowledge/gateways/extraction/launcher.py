"""The parent's side: start the child, listen to it, and end it when it takes too much."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import appliance
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
LONGEST_ENDING = 12


def run_extraction(
    document: Path | bytes, filename: str, limits: Limits | None = None, on_progress: Progress | None = None,
) -> Extraction:
    """Read a document in a child process of its own. Raises ExtractionError and nothing else for what the file does."""
    limits = limits or Limits()
    size = document.stat().st_size if isinstance(document, Path) else len(document)
    if not size:
        raise ExtractionError(ExtractionFailure.EMPTY)
    if size > limits.file_bytes:
        raise ExtractionError(ExtractionFailure.TOO_LARGE, f"{size} bytes")
    with tempfile.TemporaryDirectory(prefix="extraction-", ignore_cleanup_errors=True) as folder, _opened(document) as stdin, \
            tempfile.TemporaryFile() as stderr, _child(Path(folder), filename, limits, stdin, stderr) as child:
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


@contextmanager
def _child(folder: Path, filename: str, limits: Limits, stdin: IO[bytes], stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-m", CHILD, nameless(filename), json.dumps(asdict(limits))],
        stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, env=_environment(folder), cwd=folder, start_new_session=True,
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout:
            child.stdout.close()


def nameless(filename: str) -> str:
    """Every user of the machine can read a command line: of the name only its ending goes there."""
    ending = Path(filename).suffix[:LONGEST_ENDING]
    return "document" + (ending if ending.isascii() and ending.isprintable() else "")


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours: no keys, no proxies, no settings."""
    home = str(folder)
    return {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "PYTHONPATH": str(SOURCE_ROOT),
        "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in os.environ.items() if name == "TESSDATA_PREFIX"},
    }


def _listen(child: subprocess.Popen[bytes], limits: Limits, on_progress: Progress | None, stderr: IO[bytes]) -> Extraction:
    blocks: list[Block] = []
    for line in _lines(child, limits):
        said = _parsed(line)
        if "progress" in said and on_progress:
            on_progress(*said["progress"])
        elif "block" in said:
            blocks.append(wire.read_block(said["block"]))
        elif "failure" in said:
            raise ExtractionError(ExtractionFailure(said["failure"]), said.get("detail", ""), line=said.get("line"))
        elif "done" in said:
            return wire.read_extraction(said["done"], blocks)
    code = child.wait()
    raise ExtractionError(KILLED_FOR.get(signal.Signals(-code), ExtractionFailure.CORRUPT) if code < 0 else ExtractionFailure.CORRUPT,
                          f"child ended with {code}: {_tail(stderr)}")


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _lines(child: subprocess.Popen[bytes], limits: Limits) -> Iterator[bytes]:
    deadline = time.monotonic() + limits.wall_seconds
    assert child.stdout
    rest, received = b"", 0
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.select(left):
                raise ExtractionError(ExtractionFailure.TIMED_OUT, f"no end after {limits.wall_seconds} s")
            chunk = os.read(child.stdout.fileno(), CHUNK)
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
