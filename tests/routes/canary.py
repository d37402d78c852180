"""Looking for a word where it must not stand: `files_holding` is for whatever makes files of a box's data, a backup or an export."""

from collections.abc import Iterator
from pathlib import Path

from redis import Redis


def files_holding(word: str, *folders: Path) -> list[str]:
    """Paths that hold it, as UTF-8 or UTF-16, in their content or their name."""
    shapes = [word.encode(), word.encode("utf-16-le")]
    return [str(path) for path in _files(folders) if word in str(path) or _holds(path, shapes)]


def _files(folders: tuple[Path, ...]) -> Iterator[Path]:
    return (path for folder in folders for path in folder.rglob("*") if path.is_file())


def _holds(path: Path, shapes: list[bytes]) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return any(shape in content for shape in shapes)


def redis_folder(redis: Redis) -> Path:
    """Where its server keeps what it knows, as of now."""
    redis.save()
    return Path(redis.config_get("dir")["dir"])
