"""Release files: one signed tar that holds a release, and for a machine without a network all that it needs.

First `manifest.json`, then `manifest.sig` (Ed25519 over its bytes), then what the manifest names with size and SHA-256. Reading trusts
nothing before its signature or its sum was seen: no name leads out of the folder, and nothing but plain files is taken.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.core import clock, signing
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = "salesedge-release/1"
SUFFIX = ".release"
MANIFEST, SIGNATURE, SOURCE = "manifest.json", "manifest.sig", "source.tar.gz"
KEYS_FOLDER = "release-keys"
LONGEST_MANIFEST = 16 * 2**20
LONGEST_SOURCE = 2**30  # unpacked
_LONGEST_NAME = 200
_LARGE = 8 * 2**30  # what the older form of tar cannot say
_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~%-]*(/[A-Za-z0-9_][A-Za-z0-9._+~%-]*)*")
_VERSION = r"^[0-9]+(\.[0-9]+){0,3}$"


class BadRelease(Refused):
    """The file is not what was signed, or was signed by nobody this box knows."""


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(pattern=rf"^{_PLAIN.pattern}$", max_length=_LONGEST_NAME)
    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """`updates_from`: the oldest version it can follow. `revisions`: each migration it brings, with the sum of its file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str
    version: str = Field(pattern=_VERSION)
    updates_from: str = Field(pattern=_VERSION)
    made_at: str
    revisions: dict[str, str] = {}
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)

    @property
    def source(self) -> Entry:
        return next(entry for entry in self.entries if entry.path == SOURCE)

    def has(self, folder: str) -> bool:
        return any(entry.path.startswith(f"{folder}/") for entry in self.entries)


def order_of(version: str) -> tuple[int, ...]:
    """What versions are compared by: 1.10 is later than 1.9, and 1.0 is 1."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def version_of(tree: Path) -> str:
    return str(tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def trusted_keys(folder: Path) -> list[Ed25519PublicKey]:
    """Raises BadRelease when the folder names none, signing.BadKey for a file that is no key."""
    found = [signing.read_public_key(path.read_bytes()) for path in sorted(folder.glob("*.pem"))]
    if not found:
        raise BadRelease(_("This box trusts no release key yet: put the maker's public key (PEM) into %(folder)s.", folder=folder))
    return found


# --- writing ---


def make(tree: Path, folders: Mapping[str, Path], key: Ed25519PrivateKey, out: Path, *, updates_from: str) -> Manifest:
    """Of what is committed in `tree`, and of each folder the files under the name it gets. Raises BadRelease."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / SOURCE
        command = ["git", "-C", str(tree), "archive", "--format=tar.gz", f"--output={archive}", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode:
            raise BadRelease(_("git could not archive %(tree)s: %(why)s", tree=tree, why=done.stderr.strip()[:200]))
        source = Path(scratch) / "source"
        unpack_source(archive, source)
        parts = {SOURCE: archive, **{f"{name}/{path.relative_to(folder).as_posix()}": path for name, folder in folders.items()
                                     for path in sorted(folder.rglob("*")) if path.is_file()}}  # fmt: skip
        return write(out, parts, key, version=version_of(source), updates_from=updates_from,
                     made_at=clock.now().isoformat(timespec="seconds"), revisions=revisions_of(source))  # fmt: skip


def write(out: Path, parts: Mapping[str, Path], key: Ed25519PrivateKey, **told: object) -> Manifest:
    """`parts`: files by the path they get. `told`: the rest of the manifest. `out` appears when it is whole. Raises ValidationError."""
    first = sorted(parts, key=lambda name: (name != SOURCE, name))
    entries = tuple(_entry_of(name, parts[name]) for name in first)
    manifest = Manifest.model_validate({"format": FORMAT, **told, "entries": entries})
    content = json.dumps(manifest.model_dump(mode="json"), indent=1).encode()
    begun = out.with_name(f".{out.name}.part")
    try:
        with begun.open("wb") as file:
            _add(file, MANIFEST, len(content), io.BytesIO(content))
            signature = key.sign(content)
            _add(file, SIGNATURE, len(signature), io.BytesIO(signature))
            for entry in entries:
                with parts[entry.path].open("rb") as part:
                    _add(file, entry.path, entry.size, part)
            file.write(bytes(2 * _BLOCK))
        begun.replace(out)
    finally:
        begun.unlink(missing_ok=True)
    return manifest


def _entry_of(name: str, path: Path) -> Entry:
    digest = sha256()
    with path.open("rb") as file:
        for piece in _pieces(file):
            digest.update(piece)
    return Entry(path=name, size=path.stat().st_size, sha256=digest.hexdigest())


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _add(file: IO[bytes], name: str, size: int, part: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    try:
        header = member.tobuf(tarfile.USTAR_FORMAT if size < _LARGE else tarfile.GNU_FORMAT)
    except ValueError:
        header = b""
    if len(header) != _BLOCK:  # an extension of tar, which a reader would not take
        raise BadRelease(_("The name %(name)s is too long for a release file.", name=name))
    file.write(header)
    written = 0
    for piece in _pieces(part):
        written += file.write(piece)
    if written != size:
        raise BadRelease(_("%(name)s changed while the release file was made. Make it again.", name=name))
    file.write(bytes(-size % _BLOCK))


# --- reading ---


@dataclass
class Release:
    """An open release file whose manifest is genuine; `unpack` reads the rest, once."""

    manifest: Manifest
    signed_by: str
    _file: IO[bytes]

    def unpack(self, folder: Path, *, only: Iterable[str] = ("",)) -> None:
        """All is read and summed; entries that begin with one of `only` are written. Raises BadRelease: then use nothing of `folder`."""
        wanted, left = tuple(only), {entry.path: entry for entry in self.manifest.entries}
        while (header := _header(self._file)) is not None:
            entry = left.pop(header.name, None)
            if entry is None or entry.size != header.size:
                raise _not_signed(header.name)
            if entry.path.startswith(wanted):
                self._write(entry, folder / entry.path)
            else:
                self._check(entry, None)
        if left:
            raise BadRelease(_("The release file is not whole: %(name)s is missing. Get it again.", name=next(iter(left))))

    def _write(self, entry: Entry, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            self._check(entry, out)

    def _check(self, entry: Entry, out: IO[bytes] | None) -> None:
        digest = sha256()
        for piece in _content(self._file, entry.size):
            digest.update(piece)
            if out is not None:
                out.write(piece)
        if digest.hexdigest() != entry.sha256:
            raise _not_signed(entry.path)


def _not_signed(name: str) -> BadRelease:
    return BadRelease(_("%(name)s in the release file is not what was signed. Get the file again.", name=name))


@contextmanager
def opened(path: Path, keys: Sequence[Ed25519PublicKey]) -> Iterator[Release]:
    """Raises BadRelease unless one of `keys` signed its manifest. OSError where it cannot be read."""
    with path.open("rb") as file:
        content = _named(file, MANIFEST, LONGEST_MANIFEST)
        signature = _named(file, SIGNATURE, 64)
        signer = next((key for key in keys if signing.fits(key, signature, content)), None)
        if signer is None:
            raise BadRelease(_("No key that this box trusts signed this release file. It was altered, or comes from somebody else."))
        yield Release(_manifest(content), signing.fingerprint_of(signer), file)


def _named(file: IO[bytes], name: str, most: int) -> bytes:
    header = _header(file)
    if header is None or header.name != name or header.size > most:
        raise BadRelease(_("This is no release file of SalesEdge."))
    return b"".join(_content(file, header.size))


def _manifest(content: bytes) -> Manifest:
    try:
        told = json.loads(content)
        form = told.get("format") if isinstance(told, dict) else None
        if form != FORMAT:
            raise BadRelease(_("This release does not read the form %(form)s. Update to one in between first.", form=form))
        manifest = Manifest.model_validate(told)
    except (ValueError, ValidationError) as err:
        raise BadRelease(_("The manifest of the release file cannot be read.")) from err
    names = [entry.path for entry in manifest.entries]
    if len(set(names)) != len(names) or SOURCE not in names:
        raise BadRelease(_("The manifest of the release file cannot be read."))
    return manifest


def _header(file: IO[bytes]) -> tarfile.TarInfo | None:
    """The next plain file; None at the end. Extensions of tar (links, devices, long names, sparse files) are not taken."""
    block = file.read(_BLOCK)
    if len(block) < _BLOCK:
        raise BadRelease(_("The release file was cut off. Get it again."))
    if not any(block):
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as err:
        raise BadRelease(_("This is no release file of SalesEdge.")) from err
    if header.type != tarfile.REGTYPE or header.size < 0:
        raise BadRelease(_("The release file holds something that is no plain file: %(name)s.", name=repr(header.name)))
    return header


def _content(file: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise BadRelease(_("The release file was cut off. Get it again."))
        left -= len(piece)
        yield piece
    if len(file.read(-size % _BLOCK)) != -size % _BLOCK:
        raise BadRelease(_("The release file was cut off. Get it again."))


def unpack_source(archive: Path, folder: Path) -> None:
    """The product's tree, of an archive whose sum was right: plain files and folders inside `folder`, no more than fit a product."""
    room = LONGEST_SOURCE
    try:
        with tarfile.open(archive, "r|gz") as tree:
            for member in tree:
                room -= max(member.size, 0) + _BLOCK
                _take(tree, member, folder, room)
    except (tarfile.TarError, EOFError, OSError) as err:
        if isinstance(err, OSError) and err.errno:
            raise  # the disk, not the archive
        raise BadRelease(_("The source in the release file cannot be unpacked.")) from err


def _take(tree: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, room: int) -> None:
    place = PurePosixPath(member.name)
    if room < 0 or place.is_absolute() or ".." in place.parts or not (member.isreg() or member.isdir()):
        raise BadRelease(_("The source in the release file cannot be unpacked."))
    if member.isdir():
        (folder / place).mkdir(parents=True, exist_ok=True)
        return
    content = tree.extractfile(member)
    assert content is not None
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    with (folder / place).open("xb") as out:
        for piece in _pieces(content):
            out.write(piece)
    if member.mode & 0o111:
        (folder / place).chmod(0o755)


def revisions_of(tree: Path) -> dict[str, str]:
    """Each migration of a tree with the sum of its file: what was shipped once is never changed."""
    found = {}
    for path in sorted((tree / "appliance/migrations/versions").glob("*.py")):
        if named := re.search(r"^revision\b[^=]*= ['\"](\w+)['\"]", path.read_text(encoding="utf-8"), re.MULTILINE):
            found[named[1]] = sha256(path.read_bytes()).hexdigest()
    return found
