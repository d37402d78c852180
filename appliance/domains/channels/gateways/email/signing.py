"""Signatures of our mails (DKIM, RFC 6376), relaxed in head and body, so that a mail server may fold and trim on the way.

RSA of 2048 bits with SHA-256: what every receiver has to know (RFC 8301). Who does not know Ed25519 (RFC 8463) takes a mail signed by it
alone as unsigned, so that it would only ever be a second signature.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

BITS = 2048
SIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version", "content-type",
    "content-transfer-encoding", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post", "cfbl-feedback-id",
)  # fmt: skip
ONCE = ("from", "to", "cc", "subject", "date", "message-id", "reply-to")  # named once more than they are there: none can be added (8.15)
_LINE = 64
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


@dataclass(frozen=True)
class Pair:
    """`private` in PEM; `public` as it stands in the DNS."""

    private: str
    public: str


@dataclass(frozen=True)
class SigningKey:
    domain: str
    selector: str
    private: str


def new_pair() -> Pair:
    """Takes a tenth of a second of processor."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=BITS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Pair(private, base64.b64encode(public).decode())


def sign(content: bytes, key: SigningKey, *, now: datetime) -> bytes:
    """The mail with its signature above it. Its lines end as they do on the wire (CRLF)."""
    head, _blank, body = content.partition(b"\r\n\r\n")
    fields = _fields(head)
    names = [name for name in SIGNED for _one in fields.get(name, ())] + list(ONCE)
    digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
    begun = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n t={int(now.timestamp())};"
        f" h={_wrapped(':'.join(names), ':')};\r\n bh={digest};\r\n b="
    )
    signed = b"".join(_picked(fields, names)) + relaxed_field(begun.encode()).removesuffix(b"\r\n")
    private = load_pem_private_key(key.private.encode(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("A key of another kind than those that are made here.")
    proof = base64.b64encode(private.sign(signed, padding.PKCS1v15(), SHA256())).decode()
    pieces = [proof[at : at + _LINE] for at in range(0, len(proof), _LINE)]
    return (begun + "\r\n ".join(pieces) + "\r\n").encode() + content


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.4."""
    trimmed = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b" \r\n")
    return trimmed + b"\r\n" if trimmed else b""


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376, 3.4.2."""
    name, _colon, value = field.partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", _FOLD.sub(b"", value)).strip() + b"\r\n"


def _fields(head: bytes) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for field in re.split(rb"\r\n(?![ \t])", head):
        found.setdefault(field.partition(b":")[0].strip().lower().decode("ascii"), []).append(field)
    return found


def _picked(fields: dict[str, list[bytes]], names: list[str]) -> list[bytes]:
    """Those of one name from the last up; a name that is not there any more stands for nothing (RFC 6376, 5.4.2)."""
    left = {name: [*same] for name, same in fields.items()}
    return list(chain.from_iterable([relaxed_field(left[name].pop())] for name in names if left.get(name)))


def _wrapped(text: str, after: str) -> str:
    """Folded where a reader ignores it."""
    lines, line = [], ""
    for piece in text.split(after):
        if len(line) + len(piece) > _LINE:
            lines.append(line)
            line = ""
        line += piece + after
    return "\r\n ".join([*lines, line]).removesuffix(after)
