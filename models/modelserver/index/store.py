"""All namespaces: opened on first use, changed one at a time, looked after in the background."""

import ctypes
import hmac
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from modelserver import problems
from modelserver.index import sealed
from modelserver.index.shapes import Rows
from modelserver.index.space import Files, Space, Superseded
from modelserver.problems import Problem

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_-]{0,199}")
TIDY_EVERY_S = 2.0
BUILD_LIVES_S = 3600.0


@dataclass(frozen=True)
class State:
    namespace: str
    state: str  # ready | missing
    reason: str = ""
    version: int = 0
    count: int = 0
    model: str = ""
    dim: int = 0
    kind: str = ""
    memory_bytes: int = 0


@dataclass
class _Build:
    space: Space
    touched: float


class Store:
    def __init__(self, folder: Path, key: bytes, *, ivf_above: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._key = key
        self._shares: dict[str, bytes] = {}
        self._ivf_above = ivf_above
        self._open: dict[str, Space] = {}
        self._lost: dict[str, str] = {}
        self._builds: dict[tuple[str, str], _Build] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._tidier: threading.Thread | None = None

    def take_share(self, name: str, share: bytes) -> None:
        """The owner's part of this index's key, kept in memory alone: without it the server's own key opens nothing of theirs."""
        self._shares[name] = share

    def find(self, name: str) -> Space:
        """Raises Problem index_missing when the caller has to build it (again)."""
        with self._lock:
            space = self._open.get(name) or self._load(name)
        if space is None:
            why = "could not be read and was set aside" if self._lost.get(name) == "corrupt" else "does not exist"
            raise problems.missing("index_missing", f"The index {name} {why}; build it from the stored embeddings.")
        return space

    def peek(self, name: str) -> Space | None:
        """One that is open already; never waits."""
        return self._open.get(name)

    def state(self, name: str) -> State:
        try:
            space = self.find(name)
        except Problem:
            return State(name, "missing", self._lost.get(name, "absent"))
        return State(name, "ready", "", space.version, space.count, space.model, space.dim, space.kind, space.memory_bytes)

    def names(self, prefix: str = "") -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.snap") if path.stem.startswith(prefix))

    def opened(self) -> list[State]:
        with self._lock:
            names = list(self._open)
        return [self.state(name) for name in names]

    def change(
        self, name: str, model: str, remove: Sequence[int], ids: Sequence[int], rows: Rows, *, create: bool = False
    ) -> Space:
        """Raises Problem: index_missing, index_model_mismatch, disk_full."""
        with self._lock:
            if create and self.state(name).state == "missing":
                self._adopt(name, Space(name, model, rows.shape[1]))
        while True:
            space = self.find(name)
            _check_fits(space, model, rows)
            with _disk(), suppress(Superseded):
                space.change(remove, ids, rows)
                return space

    def add_to_build(self, name: str, build: str, model: str, ids: Sequence[int], rows: Rows) -> Space:
        """Collect a new version beside the one that answers."""
        check_name(name)
        with self._lock:
            found = self._builds.setdefault((name, build), _Build(Space(name, model, rows.shape[1]), 0.0))
            found.touched = time.monotonic()
        _check_fits(found.space, model, rows)
        found.space.change((), ids, rows)
        return found.space

    def switch(self, name: str, build: str) -> Space:
        """Let a finished build answer from now on. Raises Problem build_missing, disk_full."""
        with self._lock:
            found = self._builds.pop((name, build), None)
            if found is None:
                raise problems.missing("build_missing", f"The build {build} of the index {name} is not there; build again.")
            self._adopt(name, found.space)
        return found.space

    def drop(self, name: str) -> None:
        check_name(name)
        with self._lock:
            space = self._open.pop(name, None)
            if space is not None:
                space.close()
            self._lost.pop(name, None)
            for key in [key for key in self._builds if key[0] == name]:
                del self._builds[key]
            self._files(name).remove()
            self._shares.pop(name, None)

    def start(self) -> None:
        self._tidier = threading.Thread(target=self._tidy_often, name="index-tidy", daemon=True)
        self._tidier.start()

    def close(self) -> None:
        self._stop.set()
        if self._tidier is not None:
            self._tidier.join(timeout=5)
        with self._lock:
            for space in self._open.values():
                space.close()
            self._open.clear()

    def tidy(self) -> None:
        with self._lock:
            spaces = list(self._open.values())
            oldest = time.monotonic() - BUILD_LIVES_S
            for key in [key for key, build in self._builds.items() if build.touched < oldest]:
                del self._builds[key]
        for space in spaces:
            with _disk():
                if space.tidy(ivf_above=self._ivf_above):
                    give_memory_back()

    def _tidy_often(self) -> None:
        while not self._stop.wait(TIDY_EVERY_S):
            try:
                self.tidy()
            except Problem:
                continue  # the disk is full: writers are told so, and the next round tries again

    def _files(self, name: str) -> Files:
        share = self._shares.get(name)
        key = self._key if share is None else hmac.digest(self._key, b"share" + share, "sha256")
        return Files(self._folder, name, name, key)

    def _load(self, name: str) -> Space | None:
        check_name(name)
        files = self._files(name)
        try:
            space = files.load()
        except FileNotFoundError:
            self._lost.setdefault(name, "absent")
            return None
        except sealed.Corrupt:
            files.set_aside()
            self._lost[name] = "corrupt"
            return None
        self._keep(space, files)
        return space

    def _adopt(self, name: str, space: Space) -> None:
        check_name(name)
        before = self._open.pop(name, None)
        if before is not None:
            space.version = max(space.version, before.version + 1)
            before.close()
        self._keep(space, self._files(name))

    def _keep(self, space: Space, files: Files) -> None:
        with _disk():
            space.keep(files)
        self._open[space.name] = space
        self._lost.pop(space.name, None)


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise problems.refused("bad_namespace", "A namespace is made of letters, digits, ':', '_' and '-', at most 200 of them.")


def _check_fits(space: Space, model: str, rows: Rows) -> None:
    if len(rows) and (space.dim != rows.shape[1] or space.model != model):
        held, given = f"{space.model} ({space.dim} numbers each)", f"{model} ({rows.shape[1]})"
        sentence = f"{space.name} holds vectors of {held}, not of {given}; build it anew."
        raise Problem(HTTPStatus.CONFLICT, "index_model_mismatch", sentence)


def give_memory_back() -> None:
    """Large copies were made and dropped; glibc keeps them unless it is asked."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        sentence = f"The index could not be written ({err.strerror}); nothing was changed. Free some space and try again."
        raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, "disk_full", sentence) from err
