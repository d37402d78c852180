"""A release file as a bare machine reads it, by installers/open_release.py, and what the programs around it say."""

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.core import releases
from tests.architecture.house import ROOT

INSTALLERS = ROOT / "installers"
KEY, ANOTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TOLD = {"version": "1.2.0", "updates_from": "1.0.0", "made_at": "2026-11-22T18:00:00+00:00"}
CONTENT = {"source.tar.gz": b"the source", "wheels/one-1.0-py3-none-any.whl": b"w" * 3000, "debs/one_1_all.deb": b"d" * 700}


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    parts = {}
    for number, (name, content) in enumerate(CONTENT.items()):
        parts[name] = tmp_path / f"part{number}"
        parts[name].write_bytes(content)
    out = tmp_path / "box.release"
    releases.write(out, parts, KEY, **TOLD)
    return out


def _opened(file: Path, key: Ed25519PrivateKey = KEY, here: str = "") -> tuple[int, str]:
    folder, pem = file.parent / "opened", file.parent / "public.pem"
    pem.write_bytes(_public(key))
    shutil.rmtree(folder, ignore_errors=True)
    command = ["python3", INSTALLERS / "open_release.py", file, pem, folder, here]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    if not here:
        assert _is_taken_by_the_product(file, key) == (done.returncode == 0)
    return done.returncode, done.stdout.strip().replace("\t", " | ")


def _is_taken_by_the_product(file: Path, key: Ed25519PrivateKey) -> bool:
    """Both readers say the same of a file."""
    try:
        with releases.opened(file, [key.public_key()]) as release:
            release.unpack(file.parent, only=())
    except releases.BadRelease:
        return False
    return True


def test_what_was_signed_is_laid_down_byte_by_byte(made: Path) -> None:
    assert _opened(made) == (0, "")
    assert {name: (made.parent / "opened" / name).read_bytes() for name in CONTENT} == CONTENT


def test_a_box_is_not_brought_back_to_an_older_release_nor_past_one_in_between(made: Path) -> None:
    assert [_opened(made, here=here)[0] for here in ("1.0", "1.1.7", "1.2", "1.2.0")] == [0, 0, 0, 0]
    assert _opened(made, here="1.10") == (
        1, "The release file is older than the release on this box: %s. To undo an update: salesedge rollback. | 1.2.0 < 1.10",
    )  # fmt: skip
    assert _opened(made, here="0.9.9") == (
        1, "The release file does not follow the release on this box: %s. Update to one in between first. | 0.9.9 < 1.0.0",
    )  # fmt: skip
    assert not (made.parent / "opened").exists()


def test_one_bit_anywhere_is_seen(made: Path) -> None:
    whole = made.read_bytes()
    with tarfile.open(made) as tar:
        places = {member.name: member.offset_data + member.size // 2 for member in tar}
    for name, place in places.items():
        made.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code, said = _opened(made)
        assert (code, bool(said)) == (1, True), name


def test_another_key_is_refused(made: Path) -> None:
    assert _opened(made, ANOTHER) == (
        1, f"The key %s did not sign this release file. It was altered, or comes from somebody else. | {made.parent}/public.pem",
    )  # fmt: skip


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5, 0.7])
def test_a_file_that_was_cut_short_is_refused(made: Path, share: float) -> None:
    whole = made.read_bytes()
    made.write_bytes(whole[: int(len(whole) * share)])
    code, said = _opened(made)
    assert (code, bool(said)) == (1, True)


def _lies(path: Path, *members: tuple[tarfile.TarInfo, bytes], listed: list[tuple[str, bytes]]) -> Path:
    """A file whose signature is right and whose maker lied."""
    entries = [{"path": name, "size": len(content), "sha256": sha256(content).hexdigest()} for name, content in listed]
    manifest = json.dumps({"format": releases.FORMAT, **TOLD, "entries": entries}).encode()
    first = [(tarfile.TarInfo("manifest.json"), manifest), (tarfile.TarInfo("manifest.sig"), KEY.sign(manifest))]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, content in (*first, *members):
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def _linked(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member, b""


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", ".hidden", "a//b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    file = _lies(tmp_path / "box.release", (tarfile.TarInfo(name), b"x"), listed=[(name, b"x")])
    assert _opened(file)[0] == 1
    assert not (tmp_path / "outside").exists()


def test_neither_a_link_nor_what_the_manifest_does_not_name_is_taken(tmp_path: Path) -> None:
    for members, listed in (
        ((_linked("debs", "/etc"),), [("debs", b"")]),
        (((tarfile.TarInfo("more"), b"x"),), []),
        ((), [("missing", b"x")]),
        (((tarfile.TarInfo("twice"), b"x"), (tarfile.TarInfo("twice"), b"x")), [("twice", b"x")]),
    ):
        code, said = _opened(_lies(tmp_path / "box.release", *members, listed=listed))
        assert (code, bool(said)) == (1, True), listed


# --- words ------------------------------------------------------------------------------------------------------------


def _said(program: str, *arguments: str | Path, language: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "LC_ALL": "", "LC_MESSAGES": "", "LANG": language}
    command = [INSTALLERS / program, *arguments]
    return subprocess.run(command, env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)


def test_wrong_words_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for program, arguments, said in (
        ("bundle", (), "--key needs a value."),
        ("bundle", ("--colour", "blue"), "Unknown option: --colour"),
        ("bundle", ("--key", "/nowhere.pem", "--output", tmp_path / "out"), "The file /nowhere.pem cannot be read."),
        ("install.sh", ("--bundle", "/nowhere.release"), "The file /nowhere.release cannot be read."),
        ("install.sh", ("--bundle", tmp_path / "a"), "--bundle needs --release-key: the public key of whoever made the file."),
    ):
        refused = _said(program, *arguments)
        assert (refused.returncode, refused.stderr.splitlines()[0]) == (2, said)


def test_it_speaks_portuguese_where_the_console_does() -> None:
    refused = _said("bundle", language="pt_BR.UTF-8")
    assert refused.stderr.splitlines()[0] == "--key precisa de um valor."
    assert "Uso: installers/bundle" in refused.stderr


def test_every_sentence_has_its_portuguese() -> None:
    for programs, tables in (
        (("bundle",), ("portuguese.sh", "portuguese-bundle.sh")),
        (("from-bundle.sh",), ("portuguese.sh", "portuguese-install.sh")),
    ):
        text = "".join((INSTALLERS / name).read_text(encoding="utf-8") for name in programs)
        sentences = set(re.findall(r'\b(?:t|say|note|step|wrong|fail|no_packages) "((?:[^"\\$]|\\.)+)"', text))
        translated = "".join((INSTALLERS / name).read_text(encoding="utf-8") for name in tables)
        assert {one for one in sentences if f'["{one}"]=' not in translated} == set()
    reader = (INSTALLERS / "open_release.py").read_text(encoding="utf-8")
    assert {one for one in re.findall(r'^[A-Z_]+ = "([^"]+\.)"$', reader, re.MULTILINE) if f'["{one}"]=' not in translated} == set()
