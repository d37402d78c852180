"""One namespace: its vectors, its version and its files."""

import json
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelserver.index import sealed, shapes
from modelserver.index.locks import ReadWriteLock
from modelserver.index.shapes import Contents, Ids, Rows

_RECORD = struct.Struct("<QII")  # version, ids removed, ids added
_LENGTH = struct.Struct("<I")
JOURNAL_LIMIT = 32 << 20
REGROW = 4


class Superseded(Exception):
    """Another build has taken this space's place; find it again."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Best first, and the version they come from."""

    ids: Ids
    scores: Rows
    version: int


@dataclass(frozen=True)
class Allowed:
    """Ids a search may return: single ones, and inclusive ranges."""

    ids: tuple[int, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()

    def among(self, present: Ids) -> Ids:
        """`present` is sorted."""
        bounds = np.array(self.ranges, np.int64).reshape(-1, 2)
        begun = np.zeros(len(present) + 1, np.int64)
        first, behind = np.searchsorted(present, bounds[:, 0]), np.searchsorted(present, bounds[:, 1], side="right")
        np.add.at(begun, first, 1)
        np.add.at(begun, np.maximum(first, behind), -1)
        inside = np.cumsum(begun[:-1]) > 0
        if self.ids:
            inside |= np.isin(present, np.array(self.ids, np.int64))
        return present[inside]


class Space:
    """Rows are rounded to float16 on arrival, so that memory, these files and the caller's database agree."""

    def __init__(self, name: str, model: str, dim: int) -> None:
        self.name = name
        self.model = model
        self.dim = dim
        self.version = 0
        self.recall = 1.0
        self.trained = 0
        self._meanwhile: list[tuple[Ids, Ids, npt.NDArray[np.float16]]] | None = None
        self._ids: Ids = np.empty(0, np.int64)
        self._shape: shapes.Shape = shapes.Flat(dim)
        self._lock = ReadWriteLock()
        self._files: Files | None = None
        self._closed = False

    @property
    def count(self) -> int:
        return len(self._ids)

    @property
    def kind(self) -> str:
        return self._shape.kind

    @property
    def memory_bytes(self) -> int:
        return self.count * (self.dim * 4 + 16)

    def change(self, remove: Sequence[int], ids: Sequence[int], rows: Rows) -> int:
        """Take out, put in (an id that is there is replaced) and move to a new version, as one step. Returns the version.

        Raises Superseded, OSError (and then nothing changed).
        """
        added, halves = np.asarray(ids, dtype=np.int64), rows.astype(np.float16)
        with self._lock.write():
            if self._closed:
                raise Superseded(self.name)
            version = max(self.version + 1, time.time_ns() // 1_000_000)
            gone = np.unique(np.concatenate([np.asarray(remove, dtype=np.int64), added]))
            if self._files is not None:
                head = _RECORD.pack(version, len(gone), len(added))
                self._files.append(head + gone.tobytes() + added.tobytes() + halves.tobytes())
            self._apply(version, gone, added, halves)
        return version

    def search(self, row: Rows, count: int, allowed: Allowed | None) -> Hits:
        """The best `count` hits."""
        with self._lock.read():
            permitted = self._ids if allowed is None else allowed.among(self._ids)
            count = min(count, len(permitted))
            if count == 0:
                return Hits(permitted[:0], np.empty(0, np.float32), self.version)
            scores, ids = self._shape.search(row, count, permitted if len(permitted) < self.count else None)
            return Hits(ids[ids >= 0], scores[ids >= 0], self.version)

    def keep(self, files: "Files") -> None:
        """From now on changes go to `files` too. Called before the space is shared."""
        self._files = files
        self.version = max(self.version, time.time_ns() // 1_000_000)
        files.replace(self.version, _pack(self, self._shape.contents()))

    def tidy(self, *, ivf_above: int) -> bool:
        """Cluster when it grew large, and fold a long journal into a new snapshot. Searches go on meanwhile.

        Returns whether there was anything to do.
        """
        if self.count > max(ivf_above, REGROW * self.trained):
            self._cluster()
            return True
        files = self._files
        if files is not None and files.journal_size > JOURNAL_LIMIT:
            with self._lock.write():
                if self._closed:
                    return False
                files.start_journal(self.version)
                packed = _pack(self, self._shape.contents())
            files.replace(self.version, packed, keep_journal=True)
            return True
        return False

    def close(self) -> None:
        with self._lock.write():
            self._closed = True
            if self._files is not None:
                self._files.close()
                self._files = None

    def _cluster(self) -> None:
        """Changes that come in while the clusters are found are made again on the new shape."""
        with self._lock.write():
            contents, self._meanwhile = self._shape.contents(), []
        made = shapes.cluster(self.dim, contents)
        with self._lock.write():
            missed, self._meanwhile = self._meanwhile, None
            self.trained = len(contents.ids)
            if made is None or self._closed:
                return  # clustering does not suit these vectors: stay exact until there are many more
            self._shape, self.recall = made
            for gone, added, halves in missed:
                self._shape.remove(gone)
                self._shape.add(added, halves.astype(np.float32))
            if self._files is not None:
                self._files.replace(self.version, _pack(self, self._shape.contents()))

    def _apply(self, version: int, gone: Ids, added: Ids, halves: npt.NDArray[np.float16]) -> None:
        if self._meanwhile is not None:
            self._meanwhile.append((gone, added, halves))
        present = gone[np.isin(gone, self._ids, assume_unique=True)]
        if len(present):
            self._shape.remove(present)
            self._ids = np.setdiff1d(self._ids, present, assume_unique=True)
        if len(added):
            self._shape.add(added, halves.astype(np.float32))
            self._ids = np.union1d(self._ids, added)
        self.version = version

    def replay(self, record: bytes) -> None:
        version, removed, added = _RECORD.unpack_from(record)
        if version <= self.version:
            return
        gone = np.frombuffer(record, np.int64, removed, _RECORD.size)
        ids = np.frombuffer(record, np.int64, added, _RECORD.size + 8 * removed)
        halves = np.frombuffer(record, np.float16, added * self.dim, _RECORD.size + 8 * (removed + added))
        self._apply(version, gone, ids.copy(), halves.reshape(added, self.dim))

    def restore(self, version: int, contents: Contents) -> None:
        self.version = version
        self._shape = shapes.restore(self.dim, contents)
        self._ids = np.sort(contents.ids)


class Files:
    """`<stem>.snap` and, after it, `<stem>.<version>.log` holding what changed since that version."""

    def __init__(self, folder: Path, stem: str, name: str, key: bytes) -> None:
        self._folder = folder
        self._stem = stem
        self._name = name
        self._key = key
        self._journal: sealed.Journal | None = None

    @property
    def snapshot(self) -> Path:
        return self._folder / f"{self._stem}.snap"

    def journals(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._stem}.*.log"), key=lambda path: int(path.name.split(".")[-2]))

    @property
    def journal_size(self) -> int:
        return 0 if self._journal is None else self._journal.size

    def append(self, record: bytes) -> None:
        assert self._journal is not None
        self._journal.append(record)

    def start_journal(self, version: int) -> None:
        fresh = sealed.Journal(self._folder / f"{self._stem}.{version:020d}.log", self._key, self._name)
        self.close()
        self._journal = fresh

    def replace(self, version: int, packed: bytes, *, keep_journal: bool = False) -> None:
        """Write the snapshot, then drop the journals it makes needless."""
        if not keep_journal:
            self.start_journal(version)
        sealed.write_snapshot(self.snapshot, self._key, self._name, packed)
        for old in self.journals()[:-1]:
            old.unlink()

    def load(self) -> Space:
        """Raises sealed.Corrupt, FileNotFoundError."""
        space = _unpack(self._name, sealed.read_snapshot(self.snapshot, self._key, self._name))
        for journal in self.journals():
            for record in sealed.read_journal(journal, self._key, self._name):
                space.replay(record)
        return space

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def remove(self) -> None:
        self.close()
        for path in (self.snapshot, *self.journals()):
            with suppress(FileNotFoundError):
                path.unlink()

    def set_aside(self) -> None:
        """Keep what could not be read out of the way, for whoever wants to know why."""
        self.close()
        for path in (self.snapshot, *self.journals()):
            if path.exists():
                path.replace(path.with_name(path.name + ".corrupt"))


def _pack(space: Space, contents: Contents) -> bytes:
    head = {
        "version": space.version, "model": space.model, "dim": space.dim, "count": len(contents.ids), "probes": contents.probes,
        "lists": 0 if contents.centroids is None else len(contents.centroids), "recall": space.recall, "trained": space.trained,
    }
    text = json.dumps(head).encode()
    parts = [_LENGTH.pack(len(text)), text, contents.ids.tobytes(), contents.rows.astype(np.float16).tobytes()]
    if contents.centroids is not None and contents.lists is not None:
        parts += [contents.lists.tobytes(), contents.centroids.astype(np.float32).tobytes()]
    return b"".join(parts)


def _unpack(name: str, packed: bytes) -> Space:
    (length,) = _LENGTH.unpack_from(packed)
    head = json.loads(packed[_LENGTH.size : _LENGTH.size + length])
    count, dim, at = head["count"], head["dim"], _LENGTH.size + length
    ids = np.frombuffer(packed, np.int64, count, at).copy()
    rows = np.frombuffer(packed, np.float16, count * dim, at + 8 * count).reshape(count, dim).astype(np.float32)
    lists = centroids = None
    if head["lists"]:
        at += count * (8 + 2 * dim)
        lists = np.frombuffer(packed, np.int32, count, at).copy()
        centroids = np.frombuffer(packed, np.float32, head["lists"] * dim, at + 4 * count).reshape(-1, dim).copy()
    space = Space(name, head["model"], dim)
    space.recall, space.trained = head["recall"], head["trained"]
    space.restore(head["version"], Contents(ids, rows, lists, centroids, head["probes"]))
    return space
