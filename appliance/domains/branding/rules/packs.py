"""A brand in one file: a zip with `manifest.json`, the pictures it names and, if it is signed, `signature.json`."""

import base64
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.core import signing
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.branding.errors import BadPack, BadPicture
from appliance.domains.branding.rules.pictures import clean
from appliance.domains.branding.types import Mark, Picture

KIND = "salesedge-brand"
SCHEMA = 1
MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
MAX_PACK = 2 * 1024 * 1024
MAX_ENTRY = 1024 * 1024
MAX_ENTRIES = 8
_NAME = re.compile(r"[a-z0-9_-]{1,40}\.(?:json|svg|png|webp)")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same brand is the same file, byte for byte


@dataclass(frozen=True)
class Pack:
    """`signer`: the fingerprint of the key that signed it, empty for one that nobody signed."""

    manifest: dict[str, Any]
    pictures: Mapping[Mark, Picture]
    signer: str = ""


def read(content: bytes) -> Pack:
    """Raises BadPack. The manifest's own fields are checked by whoever knows their schema."""
    files = _unpacked(content)
    manifest = _json_of(files, MANIFEST)
    if manifest.get("kind") != KIND:
        raise BadPack(_("This zip file is no brand pack."))
    if manifest.get("schema") != SCHEMA:
        raise BadPack(_("This brand pack was made for another release: its schema is %(theirs)s, ours is %(ours)s.",
                        theirs=str(manifest.get("schema"))[:20], ours=SCHEMA))  # fmt: skip
    return Pack(manifest, _pictures(manifest.get("pictures"), files), _signer(files))


def write(manifest: Mapping[str, Any], pictures: Mapping[Mark, Picture], key: Ed25519PrivateKey | None = None) -> bytes:
    named = {mark.value: f"{mark.value}.{picture.suffix}" for mark, picture in pictures.items()}
    whole = {"schema": SCHEMA, "kind": KIND, **manifest, "pictures": named}
    files = {MANIFEST: json.dumps(whole, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"}
    files |= {named[mark.value]: picture.body for mark, picture in pictures.items()}
    if key is not None:
        files[SIGNATURE] = json.dumps(_signed(files, key), indent=2).encode() + b"\n"
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _unpacked(content: bytes) -> dict[str, bytes]:
    if len(content) > MAX_PACK:
        raise BadPack(_("A brand pack may have %(most)s MB.", most=MAX_PACK // 2**20))
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES or len({entry.filename for entry in entries}) != len(entries):
                raise BadPack(_("A brand pack holds at most %(most)s files, each once.", most=MAX_ENTRIES))
            return {entry.filename: _entry(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as err:
        raise BadPack(_("This file is no zip, or it is damaged.")) from err


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if not _NAME.fullmatch(entry.filename):
        sentence = _("Files of a brand pack lie in no folder and are called like logo.svg, not “%(name)s”.", name=entry.filename[:80])
        raise BadPack(sentence)
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # of the others Python unpacks all at once
        raise BadPack(_("“%(name)s” is packed in an unusual way. Make an ordinary zip file.", name=entry.filename))
    with archive.open(entry) as file:
        body = file.read(MAX_ENTRY + 1)  # never trust the size that the file says it has
    if len(body) > MAX_ENTRY:
        raise BadPack(_("“%(name)s” is larger than a brand needs (%(most)s KB).", name=entry.filename, most=MAX_ENTRY // 1024))
    return body


def _json_of(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    if name not in files:
        raise BadPack(_("There is no %(name)s in it, so it is no brand pack.", name=name))
    try:
        found = json.loads(files[name])
    except (ValueError, RecursionError) as err:
        raise BadPack(_("%(name)s in it is not JSON.", name=name)) from err
    if not isinstance(found, dict):
        raise BadPack(_("%(name)s in it is not JSON.", name=name))
    return found


def _pictures(named: object, files: Mapping[str, bytes]) -> dict[Mark, Picture]:
    if named is None:
        return {}
    if not isinstance(named, dict) or not set(named) <= {mark.value for mark in Mark}:
        raise BadPack(_("The pictures of a brand are called %(names)s.", names=", ".join(Mark)))
    found = {}
    for mark, name in named.items():
        if not isinstance(name, str) or name not in files:
            raise BadPack(_("The picture “%(name)s” is not in the pack.", name=str(name)[:80]))
        try:
            found[Mark(mark)] = clean(files[name])
        except BadPicture as err:
            raise BadPack(_("%(name)s: %(why)s", name=name, why=err.message)) from err
    return found


def _signed(files: Mapping[str, bytes], key: Ed25519PrivateKey) -> dict[str, str]:
    public = key.public_key().public_bytes_raw()
    made = {"public_key": public, "signature": key.sign(_spoken_for(files))}
    return {"algorithm": "ed25519", **{name: base64.b64encode(value).decode() for name, value in made.items()}}


def _signer(files: Mapping[str, bytes]) -> str:
    if SIGNATURE not in files:
        return ""
    said = _json_of(files, SIGNATURE)
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(str(said.get("public_key")), validate=True))
        is_fit = signing.fits(key, base64.b64decode(str(said.get("signature")), validate=True), _spoken_for(files))
    except ValueError:
        is_fit = False
    if not is_fit:
        raise BadPack(_("The signature does not fit: the pack was changed after it was signed."))
    return signing.fingerprint_of(key)


def _spoken_for(files: Mapping[str, bytes]) -> bytes:
    """What the signature is of: each file's name and hash, in order."""
    return "".join(f"{sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files) if name != SIGNATURE).encode()
