"""A brand in one file: what is written can be read, and nothing else gets in."""

import contextlib
import io
import json
import zipfile

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import signing
from appliance.domains.branding.errors import BadPack
from appliance.domains.branding.rules import packs, pictures
from appliance.domains.branding.types import Mark

LOGO = pictures.clean(b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="4" height="4"/></svg>')
KEY = Ed25519PrivateKey.generate()


def zipped(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body if isinstance(body, bytes | str) else json.dumps(body))
    return made.getvalue()


def packed_as(method):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("manifest.json", bytes(64 * 2**20))
    return made.getvalue()


def pack(manifest=None, **files):
    return zipped(**{"manifest.json": {"schema": 1, "kind": "salesedge-brand", **(manifest or {})}, **files})


def pem(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def test_what_is_written_is_read_and_the_same_brand_is_the_same_file():
    written = packs.write({"name": "Aurora"}, {Mark.LOGO: LOGO})
    assert written == packs.write({"name": "Aurora"}, {Mark.LOGO: LOGO})
    found = packs.read(written)
    assert found.manifest["name"] == "Aurora"
    assert found.pictures == {Mark.LOGO: LOGO}
    assert found.signer == ""


def test_a_signed_pack_names_its_signer():
    found = packs.read(packs.write({"name": "Aurora"}, {Mark.LOGO: LOGO}, signing.read_private_key(pem(KEY))))
    assert found.signer == signing.fingerprint_of(KEY.public_key())


def test_a_pack_changed_after_it_was_signed_is_refused():
    with zipfile.ZipFile(io.BytesIO(packs.write({"name": "Aurora"}, {}, KEY))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    changed = files | {"manifest.json": files["manifest.json"].replace(b"Aurora", b"Boreal")}
    with pytest.raises(BadPack, match="changed after it was signed"):
        packs.read(zipped(**changed))
    with pytest.raises(BadPack, match="changed after it was signed"):
        packs.read(zipped(**(files | {"signature.json": b'{"public_key": "%%"}'})))


@pytest.mark.parametrize(("content", "why"), [
    (b"no zip", "no zip, or it is damaged"),
    (packs.write({"name": "x"}, {})[:80], "damaged"),
    (b"x" * (2 * 1024 * 1024 + 1), "2 MB"),
    (zipped(**{"logo.svg": LOGO.body}), "no manifest.json"),
    (zipped(**{"manifest.json": b"{"}), "not JSON"),
    (zipped(**{"manifest.json": b"[]"}), "not JSON"),
    (zipped(**{"manifest.json": b"[" * 100_000}), "not JSON"),
    (zipped(**{"manifest.json": {"kind": "other"}}), "no brand pack"),
    (zipped(**{"manifest.json": {"kind": "salesedge-brand", "schema": 2}}), "its schema is 2, ours is 1"),
    (pack(**{"../../etc/cron.d/x.json": "{}"}), "in no folder"),
    (pack(**{"a/logo.svg": LOGO.body}), "in no folder"),
    (pack(**{"run.sh": "x"}), "in no folder"),
    (pack(**{f"a{number}.json": "{}" for number in range(8)}), "at most 8 files"),
    (pack(**{"logo.svg": b"\0" * (1024 * 1024 + 1)}), "larger than a brand needs"),
    (packed_as(zipfile.ZIP_LZMA), "packed in an unusual way"),
    (packed_as(zipfile.ZIP_BZIP2), "packed in an unusual way"),
    (packed_as(zipfile.ZIP_LZMA).replace(b"\x5d\0\0", b"\xff\0\0", 1), "packed in an unusual way"),
    (pack({"pictures": {"logo": "logo.svg"}}), "“logo.svg” is not in the pack"),
    (pack({"pictures": {"logo": 1}}), "is not in the pack"),
    (pack({"pictures": {"cover": "logo.svg"}}), "are called logo, logo_dark, favicon"),
    (pack({"pictures": {"logo": "logo.svg"}}, **{"logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><set/></svg>"}), "a program"),
])  # fmt: skip
def test_what_a_box_must_not_take_is_refused_in_a_sentence(content, why):
    with pytest.raises(BadPack, match=why):
        packs.read(content)


@given(st.binary(max_size=400), st.integers(0, 300))
def test_whatever_the_bytes_the_answer_is_a_pack_or_a_sentence(noise, place):
    good = packs.write({"name": "Aurora"}, {Mark.LOGO: LOGO}, KEY)
    for content in (noise, good[:place] + noise + good[place + len(noise):]):
        with contextlib.suppress(BadPack):
            packs.read(content)
