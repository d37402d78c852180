"""Who a visitor of a web page is: a random name of ours, with a proof that we gave it. Who has it has the conversation, and nobody else."""

import hmac
import re
from hashlib import sha256

_TOKEN = re.compile(r"(?P<visitor>[0-9a-f]{32})\.(?P<proof>[0-9a-f]{64})")


def token_for(key: bytes, channel: str, visitor: str) -> str:
    return f"{visitor}.{_proof(key, channel, visitor)}"


def visitor_of(key: bytes, channel: str, token: str) -> str | None:
    """None for a token of another channel or another box, and for one that somebody made up."""
    found = _TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(found["proof"], _proof(key, channel, found["visitor"])):
        return None
    return found["visitor"]


def _proof(key: bytes, channel: str, visitor: str) -> str:
    return hmac.new(key, f"{channel}:{visitor}".encode(), sha256).hexdigest()
