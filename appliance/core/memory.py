"""Folders in shared memory, for what must not depend on a disk that has room."""

import errno
import os
import shutil
import stat
import tempfile
from hashlib import sha256
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - memory; the folder made in it is checked to be ours alone


def parts_folder() -> str | None:
    """Where files that are still coming in may lie: what people send is never on a disk in the clear. None is the usual place."""
    return str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None


def parts_free() -> int:
    """Bytes free where such files lie."""
    return shutil.disk_usage(parts_folder() or tempfile.gettempdir()).free


def metrics_folder(home: Path, run_dir: Path) -> Path:
    """Figures live in mapped files, and a mapped page for which a full disk has no room kills its process (SIGBUS)."""
    own = SHARED_MEMORY / f"salesedge-{os.geteuid()}-{sha256(str(home.resolve()).encode()).hexdigest()[:16]}"
    return own if _is_ours(own) else run_dir / "metrics"


def keys_folder(home: Path) -> Path:
    """For what may be in the clear only while it is used. Raises OSError where there is no memory to be had that is ours alone."""
    own = SHARED_MEMORY / f"salesedge-keys-{os.geteuid()}-{sha256(str(home.resolve()).encode()).hexdigest()[:16]}"
    if not _is_ours(own):
        raise PermissionError(errno.EACCES, "not ours alone", str(own))
    own.chmod(0o700)
    return own


def _is_ours(folder: Path) -> bool:
    """Made when it is missing. Somebody else's folder or link in its place is left alone."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
