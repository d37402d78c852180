"""A bare root: what debootstrap makes of a distribution, with nothing of ours, entered by chroot in namespaces of its own.

No systemd runs in it: services are enabled there, not started, and no restriction of a unit holds. Those are tested in test_units.py.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.architecture.house import ROOT

PROGRAMS = ("debootstrap", "unshare", "chroot")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PARTS = ("appliance", "webui", "models", "requirements", "installers", "ansible", "systemd", "monitoring")
FILES = ("pyproject.toml", "README.md", "LICENSE", "config.example.toml")
PACKAGES = "ca-certificates,python3,python3-apt,python3-venv"
PIP_CACHE = "/var/cache/pip"


def why_not() -> str:
    """Why no root can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "A root of another system cannot be made here: run this test as root."
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    return f"{', '.join(missing)} is not installed: apt install debootstrap" if missing else ""


def make(root: Path) -> None:
    """With a folder /out that everybody may write to."""
    told = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    suite, command = told["VERSION_CODENAME"].strip('"'), ["debootstrap", "--variant=minbase", f"--include={PACKAGES}"]
    subprocess.run([*command, suite, str(root)], check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PATH": PATH})
    # nothing that is installed starts by itself: its ports would be this machine's
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    (root / "etc/dpkg/dpkg.cfg.d/quick").write_text("force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/locale/*\n")
    (root / "out").mkdir()
    (root / "out").chmod(0o777)


def copy_tree(target: Path) -> None:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".ansible"))
    for name in FILES:
        shutil.copy(ROOT / name, target / name)


def reach_the_network(root: Path) -> None:
    """As this machine does: its resolver, its certificates, its mirrors."""
    for name in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        if Path("/", name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path("/", name), root / name)
    for path in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(path, root / "etc/apt/apt.conf.d")
    sources = [path for path in Path("/etc/apt/sources.list.d").glob("*.sources") if path.stem in {"debian", "ubuntu"}]
    for path in sources:
        shutil.copy(path, root / "etc/apt/sources.list.d")
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for path in Path("/usr/share/keyrings").glob("*-archive-keyring.gpg"):
        shutil.copy(path, root / "usr/share/keyrings")


def remove(root: Path) -> None:
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    assert [path for path in mounted if path.startswith(str(root))] == []  # what is removed next is this root and nothing it reached
    shutil.rmtree(root)


def run(root: Path, script: Path, *, timeout_s: float, connected: bool) -> int:
    """Everything it starts ends with it. Not connected, it is in a network of its own without a route or an interface that is up."""
    private = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    propagation = [] if private else ["--propagation", "unchanged"]  # inside a chroot there is no mount to change
    own = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT", "HTTP", "http"))}
    wheels = own.get("PIP_FIND_LINKS", "")
    binds = [(wheels, wheels)] if wheels.startswith("/") and Path(wheels).is_dir() else []
    cache = Path.home() / ".cache/pip"
    binds += [(str(cache), PIP_CACHE)] if cache.is_dir() else []
    if not connected:
        own, binds = {}, []
    mounts = [f"mount --rbind /dev '{root}/dev'", f"mount -t proc proc '{root}/proc'"]
    mounts += [f"mkdir -p '{root}{inside}' && mount --bind '{outside}' '{root}{inside}'" for outside, inside in binds]
    inside = script.relative_to(root)
    enter = " && ".join([*mounts, f"exec chroot '{root}' bash /{inside}"])
    net = [] if connected else ["--net"]
    command = ["unshare", *net, "--mount", "--pid", "--fork", "--kill-child", *propagation, "bash", "-c", enter]
    own |= {"PATH": PATH, "HOME": pwd.getpwuid(0).pw_dir, "LANG": "C.UTF-8"} | ({"PIP_CACHE_DIR": PIP_CACHE} if connected else {})
    return subprocess.run(command, env=own, stdin=subprocess.DEVNULL, check=False, timeout=timeout_s).returncode
