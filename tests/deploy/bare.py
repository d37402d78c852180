"""A bare root: what debootstrap makes of a distribution, with nothing of ours, in namespaces of its own.

Started as a machine by `boot`, its systemd runs all that is installed, without a network. Entered by `run`, nothing in it starts by itself.
"""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.house import ROOT

PROGRAMS = ("debootstrap", "unshare", "chroot")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PARTS = ("appliance", "webui", "models", "requirements", "installers", "ansible", "systemd", "monitoring")
FILES = ("pyproject.toml", "README.md", "LICENSE", "config.example.toml")
PACKAGES = "ca-certificates,dbus,python3,python3-apt,python3-venv,systemd,systemd-sysv"
OTHERS = {"bookworm": "trixie", "trixie": "bookworm"}  # of Debian 12 and 13, each makes the other
PIP_CACHE = "/var/cache/pip"
POLICY = "usr/sbin/policy-rc.d"


def why_not() -> str:
    """Why no root can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "A root of another system cannot be made here: run this test as root."
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    return f"{', '.join(missing)} is not installed: apt install debootstrap" if missing else ""


def this_release() -> str:
    told = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    return told["VERSION_CODENAME"].strip('"')


def other_release() -> str:
    """Of the two that a box is installed on, the one that this machine does not run; its own where it runs neither."""
    ours = this_release()
    return OTHERS.get(ours, ours)


def make(root: Path, suite: str) -> None:
    """With a folder /out that everybody may write to."""
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}"]
    subprocess.run([*command, suite, str(root)], check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PATH": PATH})
    (root / "etc/dpkg/dpkg.cfg.d/quick").write_text("force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/locale/*\n")
    (root / "out").mkdir()
    (root / "out").chmod(0o777)


def copy_tree(target: Path) -> None:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".ansible"))
    for name in FILES:
        shutil.copy(ROOT / name, target / name)


def reach_the_network(root: Path, suite: str) -> None:
    """As this machine does: its resolver, its certificates, its mirrors."""
    for name in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        if Path("/", name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path("/", name), root / name)
    for path in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(path, root / "etc/apt/apt.conf.d")
    sources = [path for path in Path("/etc/apt/sources.list.d").glob("*.sources") if path.stem in {"debian", "ubuntu"}]
    for path in sources:
        said = path.read_text(encoding="utf-8").replace(this_release(), suite)
        (root / "etc/apt/sources.list.d" / path.name).write_text(said, encoding="utf-8")
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for path in Path("/usr/share/keyrings").glob("*-archive-keyring.gpg"):
        shutil.copy(path, root / "usr/share/keyrings")


def remove(root: Path) -> None:
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    assert [path for path in mounted if path.startswith(str(root))] == []  # what is removed next is this root and nothing it reached
    shutil.rmtree(root)


def said(root: Path, name: str) -> str:
    """What a script inside kept of a command under /out."""
    return (root / "out" / name).read_text(encoding="utf-8")


def recap(said: str) -> dict[str, int]:
    """Of a run of Ansible: how many tasks changed something, failed, …"""
    (line,) = re.findall(r"^salesedge +: (.*)$", said, re.MULTILINE)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def boot(root: Path, script: Path, *, timeout_s: float) -> None:
    """Starts it as a machine without a network, which does the script and goes off. What it says meanwhile: /out/scene, /out/console."""
    (root / POLICY).unlink(missing_ok=True)
    enter = 'echo $$ >"$1/cgroup.procs"; shift; exec unshare --net --mount --pid --ipc --uts --cgroup --fork --kill-child bash "$@"'
    inside = [str(Path(__file__).with_name("boot.sh")), str(root), f"/{script.relative_to(root)}"]
    with _a_cgroup() as place, (root / "out/console").open("ab") as console:
        command = ["bash", "-c", enter, "boot", str(place), *inside]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=False, timeout=timeout_s)


@contextlib.contextmanager
def _a_cgroup() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", folder], check=True)
        place = Path(tempfile.mkdtemp(prefix="machine-", dir=folder))
        try:
            yield place
        finally:
            _clear(place)
            subprocess.run(["umount", folder], check=True)


def _clear(place: Path) -> None:
    """Its processes die a moment after who started them."""
    with contextlib.suppress(OSError):  # a kernel that cannot
        (place / "cgroup.kill").write_text("1")
    ends = time.monotonic() + 60
    while "populated 1" in (place / "cgroup.events").read_text() and time.monotonic() < ends:
        time.sleep(0.05)
    for folder, _names, _files in os.walk(place, topdown=False):
        Path(folder).rmdir()


def run(root: Path, script: Path, *, timeout_s: float) -> None:
    """In this machine's network. All it starts ends with it, and nothing that is installed starts by itself: its ports would be taken."""
    (root / POLICY).write_text("#!/bin/sh\nexit 101\n")
    (root / POLICY).chmod(0o755)
    (root / "sbin/init").unlink(missing_ok=True)  # or Ansible would take it for a machine that systemd runs
    private = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    propagation = [] if private else ["--propagation", "unchanged"]  # inside a chroot there is no mount to change
    own = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT", "HTTP", "http"))}
    wheels = own.get("PIP_FIND_LINKS", "")
    binds = [(wheels, wheels)] if wheels.startswith("/") and Path(wheels).is_dir() else []
    cache = Path.home() / ".cache/pip"
    binds += [(str(cache), PIP_CACHE)] if cache.is_dir() else []
    mounts = [f"mount --rbind /dev '{root}/dev'", f"mount -t proc proc '{root}/proc'"]
    mounts += [f"mkdir -p '{root}{inside}' && mount --bind '{outside}' '{root}{inside}'" for outside, inside in binds]
    inside = script.relative_to(root)
    enter = " && ".join([*mounts, f"exec chroot '{root}' bash /{inside}"])
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *propagation, "bash", "-c", enter]
    own |= {"PATH": PATH, "HOME": pwd.getpwuid(0).pw_dir, "LANG": "C.UTF-8", "PIP_CACHE_DIR": PIP_CACHE}
    subprocess.run(command, env=own, stdin=subprocess.DEVNULL, check=False, timeout=timeout_s)
