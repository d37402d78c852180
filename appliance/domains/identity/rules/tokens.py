"""The secrets people and programs carry. Access tokens are RFC 7519; what we keep of the others is a hash."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import jwt

from appliance.domains.identity.errors import SessionOver
from appliance.domains.identity.types import ACCESS_LIFETIME

ALGORITHM = "HS256"
ISSUER = "salesedge"
AUDIENCE = "salesedge-api"
API_KEY_MARK = "org_"
_REFRESH_MARK = "ser_"
REFRESH_RANDOM = 25  # with the id and the mac a multiple of three: base64 without padding or idle bits
_MAC = 16
_PROOF = 32  # letters


@dataclass(frozen=True)
class Access:
    user_id: UUID
    session_id: UUID


def digest(secret: str) -> str:
    """Enough for secrets of 128 random bits: there is nothing to guess from the hash."""
    return sha256(secret.encode()).hexdigest()


def issue_access(access: Access, key: bytes, now: datetime) -> str:
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": str(access.user_id), "sid": str(access.session_id), "iat": now, "exp": now + ACCESS_LIFETIME,
    }  # fmt: skip
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def read_access(token: str, key: bytes) -> Access:
    """Raises SessionOver for everything that is not ours and still good; the algorithm is ours to choose, not the token's."""
    try:
        claims = jwt.decode(
            token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options={"require": ["exp", "iat", "sub", "sid"]}
        )
        return Access(UUID(claims["sub"]), UUID(claims["sid"]))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as err:
        raise SessionOver from err


def make_refresh(session_id: UUID, key: bytes, random: bytes) -> str:
    """Names its session and proves that we made it, so that only a real token can accuse its family of reuse."""
    body = session_id.bytes + random
    return _REFRESH_MARK + base64.urlsafe_b64encode(body + _mac(key, body)).decode()


def read_refresh(token: str, key: bytes) -> UUID:
    """The session it belongs to. Raises SessionOver when we did not make it."""
    try:
        raw = base64.b64decode(token.removeprefix(_REFRESH_MARK), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as err:
        raise SessionOver from err
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not token.startswith(_REFRESH_MARK) or len(body) != 16 + REFRESH_RANDOM or not hmac.compare_digest(mac, _mac(key, body)):
        raise SessionOver
    return UUID(bytes=body[:16])


def sign(secret: str, key: bytes) -> str:
    """With a proof that this box made it, so that what is made up is known without a look into the database."""
    return secret + _proof(secret, key)


def is_signed(secret: str, key: bytes) -> bool:
    """Says nothing of whether it is still good."""
    return hmac.compare_digest(secret[-_PROOF:].encode(), _proof(secret[:-_PROOF], key).encode())


def make_api_key(slug: str, random: bytes) -> str:
    return f"{API_KEY_MARK}{slug}_{random.hex()}"


def hint_of(api_key: str) -> str:
    """The part that may be shown again."""
    return f"{api_key.rpartition('_')[0]}_{api_key.rpartition('_')[2][:4]}"


def normalise_code(code: str) -> str:
    """`abcd efgh-jklm` and `ABCD-EFGH-JKLM` are the same code; O, I and L are read as the digits they look like."""
    return "".join(char for char in code.upper() if char.isalnum()).translate(str.maketrans("OIL", "011"))


def _proof(secret: str, key: bytes) -> str:
    return hmac.new(key, b"secret:" + secret.encode(), sha256).hexdigest()[:_PROOF]


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"refresh:" + body, sha256).digest()[:_MAC]
