"""Ed25519: keys of OpenSSL's making, signatures that OpenSSL takes, documents that cannot be altered."""

import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core import signing

SEED = bytes(range(32))
FORM = "salesedge-drill-receipt/1"


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(("read", "text", "why"), [
    (signing.read_private_key, b"no key", "no private key"),
    (signing.read_private_key, pem(rsa.generate_private_key(65537, 1024)), "no key of Ed25519"),
    (signing.read_public_key, b"no key", "no public key"),
    (signing.read_public_key, public_pem(rsa.generate_private_key(65537, 1024)), "no key of Ed25519"),
])  # fmt: skip
def test_only_an_ed25519_key_is_one(read, text, why):
    with pytest.raises(signing.BadKey, match=why):
        read(text)


def test_openssl_makes_the_keys_and_takes_the_signatures(tmp_path):
    openssl = shutil.which("openssl")
    private, public, content, signature = (tmp_path / name for name in ("key.pem", "public.pem", "content", "signature"))
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run([openssl, "pkey", "-in", private, "-pubout", "-out", public], check=True)
    content.write_bytes(b"what is signed")
    signature.write_bytes(signing.read_private_key(private.read_bytes()).sign(content.read_bytes()))
    subprocess.run([openssl, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", content, "-sigfile", signature], check=True)
    key = signing.read_public_key(public.read_bytes())
    assert signing.fits(key, signature.read_bytes(), content.read_bytes())
    assert not signing.fits(key, signature.read_bytes(), b"something else")
    assert not signing.fits(key, b"too short", content.read_bytes())


def test_a_key_has_one_fingerprint():
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    assert signing.fingerprint_of(signing.read_public_key(public_pem(key))) == signing.fingerprint_of(key.public_key())
    assert len(signing.fingerprint_of(key.public_key()).split()) == 8


def test_document_is_refused_when_altered_of_another_kind_or_from_another_key():
    document = signing.sign_document(SEED, FORM, {"result": "failed"})
    ours = signing.public_key_of(SEED)
    assert signing.is_genuine(document, FORM, ours)
    assert not signing.is_genuine(document, "another/1", ours)
    assert not signing.is_genuine({**document, "result": "passed"}, FORM, ours)
    assert not signing.is_genuine({**document, "signature": "?"}, FORM, ours)
    assert not signing.is_genuine(document, FORM, signing.public_key_of(bytes(32)))
    assert not signing.is_genuine({}, FORM, ours)
