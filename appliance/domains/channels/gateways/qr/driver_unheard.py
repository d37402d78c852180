"""What was told and is not yet kept, beside the file of keys: WhatsApp does not say it twice, whoever is killed meanwhile."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

LARGEST = 4 << 20  # bytes; then what is kept already is cut off the file


class Unheard:
    """The child's: starts empty, since whoever starts a child has read what the last one left."""

    def __init__(self, store: Path) -> None:
        self._file = _beside(store).open("wb", buffering=0)
        self._lines: deque[bytes] = deque()
        self._kept = 0
        self._turn = Lock()

    def add(self, line: bytes) -> None:
        with self._turn:
            self._lines.append(line)
            self._file.write(line)

    def keep(self, number: int) -> None:
        """The parent has committed so many since the start."""
        with self._turn:
            while self._kept < number and self._lines:
                self._lines.popleft()
                self._kept += 1
            if not self._lines or self._file.tell() > LARGEST:
                self._file.seek(0)
                self._file.write(b"".join(self._lines))
                self._file.truncate()


def left_behind(store: Path) -> Iterator[bytes]:
    """The lines that a child left, kept ones perhaps among them; one that was cut off was never told."""
    if _beside(store).exists():
        yield from (line for line in _beside(store).read_bytes().split(b"\n")[:-1] if line)


def _beside(store: Path) -> Path:
    return store.with_name(f"{store.name}-unheard")
