"""Checks a release file, or unpacks it checked, with what a bare Debian has: Python's own library and openssl.

`python3 open_release.py FILE PUBLIC_KEY FOLDER_OR_NOTHING [VERSION_OF_THE_BOX]`. What is wrong is said on stdout, a sentence and what it is
about apart by a tab; `appliance/core/releases.py` reads the same files once SalesEdge is there.
"""

# ruff: noqa: INP001, S603 - a program of its own, calling one
from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "salesedge-release/1"
LONGEST = {"manifest.json": 16 << 20, "manifest.sig": 64}
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~%-]*(/[A-Za-z0-9_][A-Za-z0-9._+~%-]*)*")
ALTERED = "%s in the release file is not what was signed. Get the file again."
NONE_OF_OURS = "%s is no release file of SalesEdge."
CUT_OFF = "The release file was cut off. Get it again."
OTHER_SIGNER = "The key %s did not sign this release file. It was altered, or comes from somebody else."


OLDER = "The release file is older than the release on this box: %s. To undo an update: salesedge rollback."
TOO_FAR = "The release file does not follow the release on this box: %s. Update to one in between first."


class Refused(Exception):
    def __init__(self, sentence: str, about: str = "") -> None:
        super().__init__(f"{sentence}\t{about}")


def main(file: str, key: str, folder: str = "", here: str = "") -> None:
    try:
        with tarfile.open(file, "r|") as tar:
            members = iter(tar)
            manifest, signature = (beginning(tar, next(members, None), name, file) for name in LONGEST)
            check_signature(manifest, signature, key)
            if here:
                check_follows(json.loads(manifest), here)
            take(tar, members, wanted_of(manifest, file), Path(folder) if folder else None)
    except tarfile.TarError as err:
        raise Refused(CUT_OFF if "unexpected end" in str(err) else NONE_OF_OURS, "" if "unexpected end" in str(err) else file) from err


def beginning(tar: tarfile.TarFile, member: tarfile.TarInfo | None, name: str, file: str) -> bytes:
    if member is None or member.name != name or not member.isreg() or member.size > LONGEST[name]:
        raise Refused(NONE_OF_OURS, file)
    content = tar.extractfile(member)
    return content.read() if content else b""


def check_signature(manifest: bytes, signature: bytes, key: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        signed, seal = Path(scratch, "manifest"), Path(scratch, "signature")
        signed.write_bytes(manifest)
        seal.write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", str(signed), "-sigfile", str(seal)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise Refused(OTHER_SIGNER, key)


def check_follows(told: dict[str, str], here: str) -> None:
    if order_of(told["version"]) < order_of(here):
        raise Refused(OLDER, f"{told['version']} < {here}")
    if order_of(here) < order_of(told["updates_from"]):
        raise Refused(TOO_FAR, f"{here} < {told['updates_from']}")


def order_of(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def wanted_of(manifest: bytes, file: str) -> dict[str, tuple[int, str]]:
    told = json.loads(manifest)
    if told["format"] != FORMAT:
        raise Refused(NONE_OF_OURS, file)
    wanted = {entry["path"]: (entry["size"], entry["sha256"]) for entry in told["entries"]}
    if strange := [path for path in wanted if not PLAIN.fullmatch(path)]:
        raise Refused(ALTERED, strange[0])
    return wanted


def take(tar: tarfile.TarFile, members: Iterator[tarfile.TarInfo], wanted: dict[str, tuple[int, str]], folder: Path | None) -> None:
    for member in members:
        expected, content = wanted.pop(member.name, None), tar.extractfile(member)
        if expected is None or content is None or not member.isreg() or member.size != expected[0]:
            raise Refused(ALTERED, member.name)
        if copy(content, folder and folder / member.name) != expected:
            raise Refused(ALTERED, member.name)
    if wanted:
        raise Refused(CUT_OFF)


def copy(part: IO[bytes], path: Path | None) -> tuple[int, str]:
    digest, size, out = hashlib.sha256(), 0, None
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        out = path.open("xb")
    while piece := part.read(1 << 20):
        digest.update(piece)
        size += len(piece)
        if out:
            out.write(piece)
    if out:
        out.close()
    return size, digest.hexdigest()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Refused, OSError) as err:
        sys.stdout.write(f"{err}\n")
        sys.exit(1)
