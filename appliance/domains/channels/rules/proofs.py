"""A name with a proof that we gave it, for one channel: a visitor of a web page shows one, and so does who clicks to leave a list."""

import hmac
import re
from hashlib import sha256

_TOKEN = re.compile(r"(?P<name>[0-9a-f]{32})\.(?P<proof>[0-9a-f]{64})")


def token_for(key: bytes, channel: str, name: str) -> str:
    return f"{name}.{_proof(key, channel, name)}"


def name_of(key: bytes, channel: str, token: str) -> str | None:
    """None for a token of another channel or another box, and for one that somebody made up."""
    found = _TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(found["proof"], _proof(key, channel, found["name"])):
        return None
    return found["name"]


def _proof(key: bytes, channel: str, name: str) -> str:
    return hmac.new(key, f"{channel}:{name}".encode(), sha256).hexdigest()
