"""A release's folder: its source and its virtual environment, beside those of the others. What is not whole is not marked so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.core import releases
from appliance.core.config import NetworkMode
from appliance.core.i18n import gettext as _
from appliance.core.releases import SOURCE, BadRelease
from appliance.core.updates import Releases
from appliance.entrypoints.children import bound_to_us

if TYPE_CHECKING:
    from appliance.core.config import Settings
    from appliance.core.releases import Manifest, Release

WHOLE = ".unpacked"
LONGEST_S = 2 * 3600.0
SPARE = 256 * 2**20
GROWS = 4  # what is packed, unpacked
LOCKS = {"runtime.txt": "flask", "llm.txt": "xllamacpp", "whatsapp.txt": "neonize", "speech.txt": "pywhispercpp"}  # and what is in it
_OURS = ("salesedge-", "__editable__.salesedge", "__editable___salesedge")


def name_of(manifest: Manifest) -> str:
    return f"{manifest.version}-{manifest.source.sha256[:12]}"


def source_here() -> Path:
    """Of the program that runs."""
    return Path(releases.__file__).parents[2]


def check_room(here: Releases, manifest: Manifest) -> None:
    """Raises BadRelease. Packages that are the same are linked, not copied."""
    packed = sum(entry.size for entry in manifest.entries if entry.path == SOURCE or entry.path.startswith("wheels/"))
    needed, free = manifest.size + GROWS * packed + SPARE, shutil.disk_usage(_nearest(here.root)).free
    if needed > free:
        said = _("There is not enough room at %(path)s: %(needed)s MB are needed, %(free)s MB are free.")
        raise BadRelease(said % {"path": here.root, "needed": needed // 10**6, "free": free // 10**6})


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def prepare(settings: Settings, here: Releases, release: Release) -> str:
    """Name of the folder. One that is whole already is used as it is; the release file is read to its end either way."""
    name = name_of(release.manifest)
    folder = here.root / name
    with tempfile.TemporaryDirectory(dir=here.root, prefix=".unpacking-") as scratch:
        release.unpack(Path(scratch), only=(SOURCE, "wheels/"))
        if (folder / WHOLE).exists():
            return name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o755)
        releases.unpack_source(Path(scratch) / SOURCE, folder / "src")
        fill(settings, folder, Path(scratch) / "wheels")
    os.sync()  # a folder that says it is whole is so after a power cut
    (folder / WHOLE).touch()
    return name


def fill(settings: Settings, folder: Path, wheels: Path) -> None:
    """Its virtual environment. Raises BadRelease."""
    venv, source = folder / "venv", folder / "src"
    _run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    there, wanted = _site(Path(sys.prefix)), [lock for lock, shown in LOCKS.items() if _has(Path(sys.prefix), shown)]
    if _locks(source, LOCKS) == _locks(source_here(), LOCKS):
        _link(there, _site(venv))
    else:
        for part in (there / "pip", *there.glob("pip-*.dist-info")):  # no lock names it, and the next update needs it
            _link(part, _site(venv) / part.name)
        _install(settings, venv, wheels, [source / "requirements" / lock for lock in wanted or ["runtime.txt"]])
    _pip(venv, ["--no-index", "--no-deps", "--no-build-isolation", "--editable", str(source)])
    if os.geteuid() != settings.home.stat().st_uid:  # the processes may not write there
        _run([str(venv / "bin/python"), "-m", "compileall", "-q", str(source)])


def _install(settings: Settings, venv: Path, wheels: Path, locks: list[Path]) -> None:
    where = ["--no-index", "--find-links", str(wheels)]
    if not wheels.is_dir():
        if settings.network.mode != NetworkMode.CONNECTED:  # what fetches packages does not go by the list of hosts
            raise BadRelease(_("This release needs other packages, and this box may not fetch them. Get the file that holds them."))
        where = []
    _pip(venv, [*where, "--no-deps", "--require-hashes", "--only-binary", ":all:", *(f"--requirement={lock}" for lock in locks)])


def _site(venv: Path) -> Path:
    return venv / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def _has(venv: Path, package: str) -> bool:
    return any(_site(venv).glob(f"{package}-*.dist-info"))


def _locks(source: Path, names: Iterable[str]) -> list[bytes]:
    files = [source / "requirements" / name for name in names]
    return [file.read_bytes() if file.exists() else b"" for file in files]


def _link(there: Path, here: Path) -> None:
    """The same files under another name; what is installed is never changed in place."""

    def link(begin: str, end: str) -> None:
        try:
            os.link(begin, end)
        except OSError:  # another disk
            shutil.copy2(begin, end)

    def ours(folder: str, names: list[str]) -> list[str]:
        del folder
        return [name for name in names if name.startswith(_OURS) or name == "__pycache__"]

    shutil.copytree(there, here, copy_function=link, ignore=ours, dirs_exist_ok=True)


def _pip(venv: Path, arguments: list[str]) -> None:
    how = ["--no-input", "--disable-pip-version-check", "--quiet"]
    _run([sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", *how, *arguments])


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own commands
        command, capture_output=True, text=True, errors="replace", check=False, umask=0o022, timeout=LONGEST_S, preexec_fn=bound_to_us()
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [str(done.returncode)]
        raise BadRelease(_("The packages of the new release could not be installed: %(why)s", why=lines[-1][:300]))


def sweep(here: Releases, *names: str) -> None:
    """All that was begun, and all releases but those named."""
    for path in here.root.iterdir():
        begun = path.name.startswith(".unpacking-")
        if path.is_dir() and not path.is_symlink() and (begun or (path.name[:1].isdigit() and path.name not in names)):
            shutil.rmtree(path, ignore_errors=True)
