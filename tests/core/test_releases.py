"""Release files: written, read back, and every way in which one may lie."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from appliance.core import releases
from appliance.core.releases import BadRelease

KEY = Ed25519PrivateKey.generate()
TOLD = {"version": "1.2.0", "updates_from": "1.0.0", "made_at": "2026-11-22T18:00:00+00:00"}
CONTENT = {"source.tar.gz": b"the source", "wheels/one-1.0-py3-none-any.whl": b"w" * 3000, "debs/lib%3a1_2.deb": b""}


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for number, (name, content) in enumerate(CONTENT.items()):
        found[name] = tmp_path / f"part{number}"
        found[name].write_bytes(content)
    return found


@pytest.fixture
def made(tmp_path: Path, parts: dict[str, Path]) -> Path:
    out = tmp_path / "salesedge-1.2.0.release"
    releases.write(out, parts, KEY, **TOLD)
    return out


def unpack(path: Path, folder: Path, **how: object) -> releases.Manifest:
    with releases.opened(path, [KEY.public_key()]) as release:
        release.unpack(folder, **how)  # type: ignore[arg-type]
        return release.manifest


def refusal(path: Path, folder: Path) -> str:
    with pytest.raises(BadRelease) as refused:
        unpack(path, folder)
    return str(refused.value)


def forge(
    path: Path, listed: list[dict[str, object]], members: list[tuple[tarfile.TarInfo, bytes]], manifest: dict[str, object] | None = None
) -> Path:
    """A file whose signature is right and whose maker lied."""
    content = json.dumps({"format": releases.FORMAT, **TOLD, "entries": listed} | (manifest or {})).encode()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, part in (("manifest.json", content), ("manifest.sig", KEY.sign(content))):
            member = tarfile.TarInfo(name)
            member.size = len(part)
            tar.addfile(member, io.BytesIO(part))
        for member, part in members:
            tar.addfile(member, io.BytesIO(part))
    return path


def entry(path: str, content: bytes = b"x") -> dict[str, object]:
    return {"path": path, "size": len(content), "sha256": releases.sha256(content).hexdigest()}


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.size, found.type, found.linkname = (len(content) if kind == tarfile.REGTYPE else 0), kind, link
    return found, content


def test_what_was_written_is_read_back(made: Path, tmp_path: Path) -> None:
    manifest = unpack(made, tmp_path / "out")
    assert (manifest.version, manifest.updates_from, manifest.has("wheels"), manifest.has("models")) == ("1.2.0", "1.0.0", True, False)
    found = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == CONTENT
    assert list(tmp_path.glob("*.part")) == []


def test_some_of_it_is_unpacked_and_all_of_it_is_checked(made: Path, tmp_path: Path) -> None:
    unpack(made, tmp_path / "out", only=["source.tar.gz"])
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["source.tar.gz"]
    made.write_bytes(made.read_bytes().replace(b"www", b"wWw", 1))
    with pytest.raises(BadRelease, match="is not what was signed"):
        unpack(made, tmp_path / "again", only=["source.tar.gz"])


def test_tar_and_openssl_read_it_too(made: Path, tmp_path: Path) -> None:
    """Before there is a Python environment, the installation checks it with these."""
    subprocess.run(["tar", "-xf", made, "-C", tmp_path, "manifest.json", "manifest.sig", "source.tar.gz"], check=True)
    public = tmp_path / "public.pem"
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-sigfile", tmp_path / "manifest.sig"]
    subprocess.run([*command, "-in", tmp_path / "manifest.json"], check=True, capture_output=True)
    assert (tmp_path / "source.tar.gz").read_bytes() == CONTENT["source.tar.gz"]


def test_a_release_is_made_of_what_is_committed(tmp_path: Path) -> None:
    tree, wheels, version = tmp_path / "tree", tmp_path / "wheels", 'revision = "abc"\n'
    (tree / "appliance/migrations/versions").mkdir(parents=True)
    (tree / "appliance/migrations/versions/1_first.py").write_text(version)
    (tree / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    wheels.mkdir()
    (wheels / "a-1-py3-none-any.whl").write_bytes(b"wheel")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@a.invalid", "commit", "-qm", "all"]):
        subprocess.run(["git", "-C", tree, *command], check=True)
    (tree / "notes.txt").write_text("not committed")
    releases.make(tree, {"wheels": wheels}, KEY, tmp_path / "a.release", updates_from="1.0")
    manifest = unpack(tmp_path / "a.release", tmp_path / "out")
    releases.unpack_source(tmp_path / "out/source.tar.gz", tmp_path / "src")
    assert (manifest.version, manifest.updates_from) == ("1.2.0", "1.0")
    assert manifest.revisions == {"abc": releases.sha256(version.encode()).hexdigest()}
    assert sorted(path.name for path in (tmp_path / "src").iterdir()) == ["appliance", "pyproject.toml"]
    assert (tmp_path / "out/wheels/a-1-py3-none-any.whl").read_bytes() == b"wheel"


def test_a_name_of_usual_length_for_a_wheel_fits(tmp_path: Path, parts: dict[str, Path]) -> None:
    long = f"wheels/{'n' * 55}-3.4.4-cp311-cp311-manylinux2014_x86_64.whl"  # its path is longer than tar's oldest form takes whole
    assert len(long) > 100
    releases.write(tmp_path / "a.release", parts | {long: parts["source.tar.gz"]}, KEY, **TOLD)
    unpack(tmp_path / "a.release", tmp_path / "out")
    assert (tmp_path / "out" / long).read_bytes() == CONTENT["source.tar.gz"]


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "wheels/../../evil", "a b", "wheels//x", ".ssh/keys", "x" * 201])
def test_a_name_that_leads_elsewhere_is_neither_written_nor_read(name: str, tmp_path: Path, parts: dict[str, Path]) -> None:
    with pytest.raises(ValidationError):
        releases.write(tmp_path / "a.release", parts | {name: parts["source.tar.gz"]}, KEY, **TOLD)
    assert not (tmp_path / "a.release").exists()
    forged = forge(tmp_path / "b.release", [entry("source.tar.gz"), entry(name)], [member("source.tar.gz")])
    assert refusal(forged, tmp_path / "out") == "The manifest of the release file cannot be read."


def test_a_member_that_was_not_signed_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate(("../evil", "wheels/other.whl", "source.tar.gz")):
        forged = forge(tmp_path / f"{number}.release", [entry("source.tar.gz")], [member("source.tar.gz"), member(name)])
        assert refusal(forged, tmp_path / f"out{number}").startswith(f"{name} in the release file is not what was signed")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_devices_and_pipes_are_refused(kind: bytes, tmp_path: Path) -> None:
    forged = forge(tmp_path / "a.release", [entry("source.tar.gz")], [member("source.tar.gz", kind=kind, link="/etc/passwd")])
    assert "no plain file" in refusal(forged, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrong_sum_or_size_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate((b"y", b"xx")):
        forged = forge(tmp_path / f"{number}.release", [entry("source.tar.gz")], [member("source.tar.gz", content)])
        assert "not what was signed" in refusal(forged, tmp_path / f"out{number}")


def test_a_file_that_was_cut_anywhere_is_refused(made: Path, tmp_path: Path) -> None:
    whole = made.read_bytes()
    for number, length in enumerate((0, 100, 512, 700, 1100, len(whole) - 2000, len(whole) - 1024)):
        made.write_bytes(whole[:length])
        assert refusal(made, tmp_path / f"out{number}")


def test_missing_entries_are_named(tmp_path: Path) -> None:
    forged = forge(tmp_path / "a.release", [entry("source.tar.gz"), entry("wheels/a.whl")], [member("source.tar.gz")])
    assert "wheels/a.whl is missing" in refusal(forged, tmp_path / "out")


def test_another_key_or_an_altered_manifest_is_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRelease, match="No key that this box trusts"), releases.opened(made, [Ed25519PrivateKey.generate().public_key()]):
        pass
    made.write_bytes(made.read_bytes().replace(b'"version": "1.2.0"', b'"version": "9.2.0"'))
    assert "altered" in refusal(made, tmp_path / "out")


def test_an_old_and_a_new_maker_s_key_may_both_be_trusted(made: Path, tmp_path: Path) -> None:
    for name, key in (("a", Ed25519PrivateKey.generate()), ("b", KEY)):
        (tmp_path / f"{name}.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with releases.opened(made, releases.trusted_keys(tmp_path)) as release:
        assert release.signed_by == releases.signing.fingerprint_of(KEY.public_key())


def test_a_box_without_keys_trusts_nobody(tmp_path: Path) -> None:
    with pytest.raises(BadRelease, match="trusts no release key yet"):
        releases.trusted_keys(tmp_path)


def test_a_manifest_of_another_form_says_so(tmp_path: Path) -> None:
    forged = forge(tmp_path / "a.release", [entry("source.tar.gz")], [], {"format": "salesedge-release/2"})
    assert "salesedge-release/2" in refusal(forged, tmp_path / "out")


@pytest.mark.parametrize("lie", [{"version": "one"}, {"entries": []}, {"entries": [entry("source.tar.gz")] * 2}, {"more": 1}])
def test_a_manifest_that_makes_no_sense_is_refused(lie: dict[str, object], tmp_path: Path) -> None:
    forged = forge(tmp_path / "a.release", [entry("source.tar.gz")], [], lie)
    assert refusal(forged, tmp_path / "out") == "The manifest of the release file cannot be read."


def test_noise_and_huge_manifests_are_no_release_file(tmp_path: Path) -> None:
    path = tmp_path / "a.release"
    huge = tarfile.TarInfo("manifest.json")
    huge.size = releases.LONGEST_MANIFEST + 1
    for content in (b"\x1f\x8b" * 5000, huge.tobuf(tarfile.USTAR_FORMAT), b"manifest.json" + bytes(3000)):
        path.write_bytes(content)
        assert refusal(path, tmp_path / "out") == "This is no release file of SalesEdge."


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for found, content in members:
            tar.addfile(found, io.BytesIO(content))
    return path


def test_the_source_is_unpacked_with_its_folders_and_programs(tmp_path: Path) -> None:
    program = member("installers/run.sh", b"#!/bin/sh\n")
    program[0].mode = 0o775
    releases.unpack_source(archive(tmp_path / "a.tgz", member("README.md", b"hello"), program), tmp_path / "src")
    assert (tmp_path / "src/README.md").read_bytes() == b"hello"
    assert (tmp_path / "src/installers/run.sh").stat().st_mode & 0o777 == 0o755


LEADS_ELSEWHERE = [member("../evil"), member("/evil"), member("a/../../evil")]
LEADS_ELSEWHERE += [member("a", kind=tarfile.SYMTYPE, link="/etc"), member("a", kind=tarfile.CHRTYPE)]


@pytest.mark.parametrize("bad", LEADS_ELSEWHERE)
def test_a_source_that_leads_elsewhere_is_refused(bad: tuple[tarfile.TarInfo, bytes], tmp_path: Path) -> None:
    with pytest.raises(BadRelease):
        releases.unpack_source(archive(tmp_path / "a.tgz", bad), tmp_path / "in/src")
    assert not (tmp_path / "evil").exists()


def test_a_source_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "LONGEST_SOURCE", 2**20)
    bomb = archive(tmp_path / "a.tgz", *(member(f"a{number}", bytes(2**18)) for number in range(5)))
    assert bomb.stat().st_size < 2**14
    with pytest.raises(BadRelease):
        releases.unpack_source(bomb, tmp_path / "src")


def test_versions_are_compared_as_numbers() -> None:
    assert releases.order_of("1.10") > releases.order_of("1.9.4")
    assert releases.order_of("1.0") == releases.order_of("1")


def test_migrations_of_a_tree_are_known_by_their_sum() -> None:
    tree = Path(releases.__file__).parents[2]
    assert len(releases.revisions_of(tree)) == len(list((tree / "appliance/migrations/versions").glob("*.py")))
