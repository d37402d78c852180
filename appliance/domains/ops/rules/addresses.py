"""What a target's address says: a folder here, or a host that has to be called."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

_SFTP = re.compile(r"sftp:(?://)?(?:(?P<user>[\w.-]+)@)?(?P<host>\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(?P<port>\d{1,5})/(?=/)|:)(?P<path>/?.+)\Z")
_HTTPS, _SSH = 443, 22


@dataclass(frozen=True)
class Place:
    kind: Literal["folder", "sftp", "s3"]
    path: str
    host: str = ""
    port: int = 0
    user: str = ""

    @property
    def is_here(self) -> bool:
        return self.kind == "folder"


def place_of(repository: str) -> Place | None:
    """None when it is none of the three. sftp also as restic writes a port: sftp://user@host:2222//folder."""
    if repository.startswith("s3:"):
        return _bucket(repository.removeprefix("s3:"))
    if repository.startswith("sftp:"):
        found = _SFTP.match(repository)
        if found is None:
            return None
        return Place("sftp", found["path"], found["host"].strip("[]"), int(found["port"] or _SSH), found["user"] or "")
    return Place("folder", repository) if repository.startswith("/") else None


def _bucket(address: str) -> Place | None:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.path.strip("/"):
        return None
    return Place("s3", parts.path, parts.hostname, parts.port or (_HTTPS if parts.scheme == "https" else 80))
