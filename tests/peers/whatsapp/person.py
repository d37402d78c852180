"""Somebody with a telephone: writes to the library and reads what it writes, by Signal's own protocol.

Each message to the library opens a session of its own; what it answers is read by the last one.
https://signal.org/docs/specifications/x3dh/ · …/doubleratchet/
"""

import hmac
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from tests.peers.whatsapp.keys import SigningKey
from tests.peers.whatsapp.stanzas import Stanza

VERSION, CURVE, MAC_BYTES, SIGNATURE_BYTES = b"\x33", b"\x05", 8, 64


class Person:
    def __init__(self, phone, lid, name):
        self.phone, self.lid, self.name = phone, lid, name
        self._identity, self._signed = SigningKey(), X25519PrivateKey.generate()
        self._session = None

    def bundle(self):
        """What others need to write to me."""
        public = self._signed.public_key().public_bytes_raw()
        signed = [
            Stanza("id", {}, b"\x00\x00\x01"), Stanza("value", {}, public),
            Stanza("signature", {}, self._identity.sign(CURVE + public)),
        ]  # fmt: skip
        return [
            Stanza("registration", {}, b"\x00\x00\x00\x2a"), Stanza("type", {}, CURVE),
            Stanza("identity", {}, self._identity.public), Stanza("skey", {}, signed),
        ]  # fmt: skip

    def write(self, plain, to):
        """`to`: the keys that the device gave the server."""
        base, ratchet = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        secret = _shared(self._identity.exchanging(), to.signed) + _shared(base, to.identity) + _shared(base, to.signed)
        root, chain = _ratcheted(_root(secret), _shared(ratchet, to.signed))
        self._session = root, ratchet, to.identity
        cipher_key, mac_key, iv = _message_keys(chain, 0)
        padding = PKCS7(128).padder()
        body = padding.update(_padded(plain)) + padding.finalize()
        sealing = Cipher(AES(cipher_key), CBC(iv)).encryptor()
        inner = VERSION + _packed({1: CURVE + _public(ratchet), 2: 0, 3: 0, 4: sealing.update(body) + sealing.finalize()})
        mac = hmac.digest(mac_key, CURVE + self._identity.public + CURVE + to.identity + inner, "sha256")[:MAC_BYTES]
        mine = CURVE + self._identity.public
        return VERSION + _packed({2: CURVE + _public(base), 3: mine, 4: inner + mac, 5: 42, 6: to.signed_id})

    def read(self, sealed, kind):
        """`kind`: pkmsg opens a session, msg goes on with the one that we opened."""
        if kind == "msg":
            root, ratchet, theirs = self._session
            return self._open(sealed, theirs, lambda public: _ratcheted(root, _shared(ratchet, public))[1])
        outer = _unpacked(sealed[1:])
        theirs, base = outer[3][1:], outer[2][1:]
        secret = _shared(self._signed, theirs) + _shared(self._identity.exchanging(), base) + _shared(self._signed, base)
        return self._open(outer[4], theirs, lambda public: _ratcheted(_root(secret), _shared(self._signed, public))[1])

    def read_shared(self, handed, sealed):
        """A message to a group, by the key that its sender handed to each member."""
        key, message = _unpacked(handed[1:]), _unpacked(sealed[1:-SIGNATURE_BYTES])
        chain = key[3]
        for _ in range(message.get(2, 0) - key.get(2, 0)):
            chain = hmac.digest(chain, b"\x02", "sha256")
        keys = _expanded(bytes(32), hmac.digest(chain, b"\x01", "sha256"), b"WhisperGroup", 48)
        opening = Cipher(AES(keys[16:]), CBC(keys[:16])).decryptor()
        padding = PKCS7(128).unpadder()
        plain = padding.update(opening.update(message[3]) + opening.finalize()) + padding.finalize()
        return plain[: -plain[-1]]

    def _open(self, sealed, theirs, chain_of):
        inner, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
        message = _unpacked(inner[1:])
        cipher_key, mac_key, iv = _message_keys(chain_of(message[1][1:]), message.get(2, 0))
        wanted = hmac.digest(mac_key, CURVE + theirs + CURVE + self._identity.public + inner, "sha256")[:MAC_BYTES]
        assert hmac.compare_digest(mac, wanted)
        opening = Cipher(AES(cipher_key), CBC(iv)).decryptor()
        padding = PKCS7(128).unpadder()
        plain = padding.update(opening.update(message[4]) + opening.finalize()) + padding.finalize()
        return plain[: -plain[-1]]


class DeviceKeys:
    """What a device gave the server, from its own stanza."""

    def __init__(self, stanza):
        signed = next(one for one in stanza.children if one.child("signature"))
        self.identity = stanza.child("identity").content
        self.signed = signed.child("value").content
        self.signed_id = int.from_bytes(signed.child("id").content)


def _padded(plain):
    size = os.urandom(1)[0] % 16 + 1
    return plain + bytes([size]) * size


def _public(private):
    return private.public_key().public_bytes_raw()


def _shared(private, public):
    return private.exchange(X25519PublicKey.from_public_bytes(public))


def _expanded(salt, secret, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _root(secret):
    return _expanded(bytes(32), b"\xff" * 32 + secret, b"WhisperText", 64)[:32]


def _ratcheted(root, shared):
    """The next root, and the chain of the messages until then."""
    both = _expanded(root, shared, b"WhisperRatchet", 64)
    return both[:32], both[32:]


def _message_keys(chain, number):
    for _ in range(number):
        chain = hmac.digest(chain, b"\x02", "sha256")
    keys = _expanded(bytes(32), hmac.digest(chain, b"\x01", "sha256"), b"WhisperMessageKeys", 80)
    return keys[:32], keys[32:64], keys[64:]


def _packed(parts):
    """Protocol buffers, as far as Signal's two messages need them."""
    said = b""
    for number, value in parts.items():
        if isinstance(value, int):
            said += _varint(number << 3) + _varint(value)
        else:
            said += _varint(number << 3 | 2) + _varint(len(value)) + value
    return said


def _varint(value):
    said = b""
    while value > 127:
        said, value = said + bytes([value & 127 | 128]), value >> 7
    return said + bytes([value])


def _unpacked(content):
    parts, at = {}, 0
    while at < len(content):
        tag, at = _read_varint(content, at)
        value, at = _read_varint(content, at)
        if tag & 7 == 2:
            value, at = content[at : at + value], at + value
        parts[tag >> 3] = value
    return parts


def _read_varint(content, at):
    value = shift = 0
    while True:
        value |= (content[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if content[at - 1] < 128:
            return value, at
