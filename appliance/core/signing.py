"""Ed25519 (RFC 8032), for what others check: releases, brand packs, receipts.

Keys are PEM as `openssl genpkey -algorithm ed25519` makes them; a signature is the 64 bytes that `openssl pkeyutl -verify -rawin` takes.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _


class BadKey(Refused):
    def __init__(self, why: object) -> None:
        super().__init__(why, fields={"key": why})


def read_private_key(pem: bytes) -> Ed25519PrivateKey:
    """Raises BadKey."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise BadKey(_("This is no private key in PEM without a password.")) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(_("This is no key of Ed25519: make one with openssl genpkey -algorithm ed25519."))
    return key


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Raises BadKey."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as err:
        raise BadKey(_("This is no public key in PEM: take it from the private one with openssl pkey -pubout.")) from err
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(_("This is no key of Ed25519: make one with openssl genpkey -algorithm ed25519."))
    return key


def public_key_of(seed: bytes) -> str:
    """In hex, of a private key of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def fits(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def fingerprint_of(key: Ed25519PublicKey) -> str:
    """As people compare it: the beginning of the SHA-256 of the raw key, in groups of four."""
    digest = sha256(key.public_bytes_raw()).hexdigest()[:32]
    return " ".join(digest[start : start + 4] for start in range(0, 32, 4))


def sign_document(seed: bytes, form: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, their `format`, the public key and the signature over their canonical JSON. `seed`: 32 bytes that only the signer has."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signed = {"format": form, **facts, "public_key": key.public_key().public_bytes_raw().hex()}
    return {**signed, "signature": b64encode(key.sign(canonical(signed))).decode()}


def is_genuine(document: Mapping[str, Any], form: str, public_key: str) -> bool:
    """Signed with this key (hex) and not altered since."""
    signed = {name: value for name, value in document.items() if name != "signature"}
    if signed.get("format") != form or signed.get("public_key") != public_key:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        return fits(key, b64decode(str(document.get("signature"))), canonical(signed))
    except ValueError:
        return False


def canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
