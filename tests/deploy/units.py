"""The units of systemd/ as systemd itself reads them, in a root of their own that holds nothing else."""

import functools
import shutil
import subprocess
from pathlib import Path

from tests.architecture.house import ROOT

UNITS = ROOT / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("salesedge-*.service"))
RESUME = "salesedge.resume.service"
MOST_EXPOSED = 2.0  # by the judgement of systemd-analyze
PROGRAM = "opt/salesedge/current/venv/bin/python"


def make_root(folder: Path) -> Path:
    shutil.copytree(UNITS, folder / "etc/systemd/system")
    shutil.copytree("/usr/lib/systemd/system", folder / "usr/lib/systemd/system", symlinks=True)
    (folder / "lib").symlink_to("usr/lib")
    for program in (PROGRAM, "usr/bin/redis-server"):
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", folder / program)
    (folder / "etc/passwd").write_text("salesedge:x:990:990::/var/lib/salesedge:/usr/sbin/nologin\n")
    return folder


def instance_of(unit: str) -> str:
    return unit.replace("@.", "@1.")


def lines_of(unit: str, setting: str) -> list[str]:
    """What a unit says of a setting, with what holds for all processes of the box."""
    common = "" if unit == RESUME else (UNITS / "salesedge-.service.d/10-every-process.conf").read_text(encoding="utf-8")
    said = (UNITS / unit).read_text(encoding="utf-8") + common
    return [line.partition("=")[2] for line in said.splitlines() if line.startswith(f"{setting}=")]


@functools.cache
def calls_of(group: str) -> frozenset[str]:
    """The system calls in a group such as @system-service."""
    if not group.startswith("@"):
        return frozenset({group})
    said = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    listed = [line.strip() for line in said.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return frozenset().union(*map(calls_of, listed))


def allowed_calls(unit: str) -> list[str]:
    allowed = set(calls_of("@default"))
    for line in lines_of(unit, "SystemCallFilter"):
        named = frozenset().union(*map(calls_of, line.removeprefix("~").split()))
        allowed = allowed - (named - calls_of("@default")) if line.startswith("~") else allowed | named
    return sorted(allowed)
