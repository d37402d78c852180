"""Keys that are an X25519 key to the library and sign as Ed25519 does (XEdDSA), and the server's half of Noise XX.

https://signal.org/docs/specifications/xeddsa/ · https://noiseprotocol.org/noise.html (Noise_XX_25519_AESGCM_SHA256)
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PRIME = 2**255 - 19
PATTERN = b"Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00"
PROLOGUE_BYTES = 4  # "WA", the version of the protocol, the version of the dictionary


class SigningKey:
    """`public` is the point as a Montgomery coordinate; its sign goes into the last bit of the signature."""

    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        self._point = self._key.public_key().public_bytes_raw()
        y = int.from_bytes(self._point, "little") & (2**255 - 1)
        self.public = ((1 + y) * pow(1 - y, -1, PRIME) % PRIME).to_bytes(32, "little")

    def exchanging(self):
        """The same key, for Diffie-Hellman."""
        return X25519PrivateKey.from_private_bytes(hashlib.sha512(self._key.private_bytes_raw()).digest()[:32])

    def sign(self, message):
        signature = bytearray(self._key.sign(message))
        signature[63] |= self._point[31] & 0x80
        return bytes(signature)


class Cipher:
    """One direction after the handshake."""

    def __init__(self, key):
        self._key, self._count = AESGCM(key), 0

    def next_nonce(self):
        self._count += 1
        return (self._count - 1).to_bytes(12)

    def seal(self, plain):
        return self._key.encrypt(self.next_nonce(), plain, None)

    def open(self, sealed):
        return self._key.decrypt(self.next_nonce(), sealed, None)


class Handshake:
    def __init__(self, prologue):
        self._hash = self._salt = self._key = PATTERN
        self._count = 0
        self.mix_hash(prologue)

    def mix_hash(self, said):
        self._hash = hashlib.sha256(self._hash + said).digest()

    def mix_key(self, private: X25519PrivateKey, public: bytes):
        self._salt, self._key = _two_keys(self._salt, private.exchange(X25519PublicKey.from_public_bytes(public)))
        self._count = 0

    def _nonce(self):
        self._count += 1
        return (self._count - 1).to_bytes(12)

    def seal(self, plain):
        sealed = AESGCM(self._key).encrypt(self._nonce(), plain, self._hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        plain = AESGCM(self._key).decrypt(self._nonce(), sealed, self._hash)
        self.mix_hash(sealed)
        return plain

    def finish(self):
        """What the client writes with, then what we write with."""
        theirs, ours = _two_keys(self._salt, b"")
        return Cipher(theirs), Cipher(ours)


def _two_keys(salt, secret):
    extracted = hmac.digest(salt, secret, "sha256")
    first = hmac.digest(extracted, b"\x01", "sha256")
    return first, hmac.digest(extracted, first + b"\x02", "sha256")
