"""The audit chain: each row's hash covers the row and the hash before it, under a key that is not in the database."""

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from appliance.domains.identity.types import AuditFault

GENESIS = "0" * 64
MASK = "•••"
_SECRET = re.compile(r"passw|secret|token|hash|sha256|api_?key|(^|_)code$|private|credential|cookie", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """What the hash of one row covers."""

    tenant_id: UUID
    seq: int
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    action: str
    object_kind: str
    object_id: str
    ip: str
    request_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def hash_of(link: Link, previous: str, key: bytes) -> str:
    content = {name: _plain(value) for name, value in asdict(link).items()}
    canonical = json.dumps([previous, content], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, canonical.encode(), sha256).hexdigest()


def find_fault(tenant_id: UUID, rows: Iterable[tuple[Link, str]], head: tuple[int, str], key: bytes) -> AuditFault | None:
    """`rows` in order with the hash each carries; `head` is the last seq and hash the box remembers writing."""
    seq, previous = 0, GENESIS
    for link, carried in rows:
        if link.seq != seq + 1:
            return AuditFault(tenant_id, seq + 1, "removed")
        if link.tenant_id != tenant_id or not hmac.compare_digest(carried, hash_of(link, previous, key)):
            return AuditFault(tenant_id, link.seq, "edited")
        seq, previous = link.seq, carried
    if (seq, previous) != head:
        return AuditFault(tenant_id, max(seq, head[0]), "removed" if seq < head[0] else "edited")
    return None


def mask(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Secrets never enter the record, however deep they lie."""
    if values is None:
        return None
    return {name: MASK if _SECRET.search(name) and value is not None else _masked(value) for name, value in values.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return mask(value)
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)
