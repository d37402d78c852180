"""A sum that the browser of whoever sends a form does by itself (proof of work, after hashcash): nothing once, dear a million times.

A puzzle is `until.nonce.proof`, its answer `puzzle:number`; the first bits of the answer's SHA-256 are zero.
With 53 letters at most it is one block of the hash.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

BITS = 16  # 65,000 tries on average: a tenth of a second on a desk, about one on a slow phone
OPEN_FOR = timedelta(hours=2)
_ANSWER = re.compile(r"(?P<puzzle>(?P<until>[0-9a-f]{8})\.(?P<nonce>[\w-]{12})\.(?P<proof>[0-9a-f]{20})):\d{1,10}", re.ASCII)


def puzzle(key: bytes, form_id: UUID, nonce: str, now: datetime) -> str:
    until = f"{int((now + OPEN_FOR).timestamp()):08x}"
    return f"{until}.{nonce}.{_proof(key, form_id, until, nonce)}"


def solved(key: bytes, form_id: UUID, answer: str, now: datetime) -> str | None:
    """Its nonce, which is good once. None for a sum that is wrong, too old, of another form or not asked by us."""
    found = _ANSWER.fullmatch(answer)
    if found is None or not hmac.compare_digest(found["proof"], _proof(key, form_id, found["until"], found["nonce"])):
        return None
    is_open = now <= datetime.fromtimestamp(int(found["until"], 16), UTC)
    return found["nonce"] if is_open and is_right(answer) else None


def is_right(answer: str) -> bool:
    return int.from_bytes(sha256(answer.encode()).digest()[:4], "big") >> (32 - BITS) == 0


def _proof(key: bytes, form_id: UUID, until: str, nonce: str) -> str:
    return hmac.new(key, f"{form_id.hex}.{until}.{nonce}".encode(), sha256).hexdigest()[:20]
