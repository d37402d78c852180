"""Ganesha, an NFS server outside the kernel, with one share on a loopback port of its own, and that share mounted by FUSE."""

import contextlib
import shutil
import subprocess
import time
from pathlib import Path

from tests.ports import free_port

PYTHON = "/usr/bin/python3"  # Debian's packages are for Debian's Python
PROGRAM, CLIENT = shutil.which("ganesha.nfsd"), Path(__file__).with_name("nfs_client.py")
HAS_CLIENT = "import fusepy, ctypes.util, sys; sys.exit(ctypes.util.find_library('nfs') is None)"
PACKAGES = "nfs-ganesha-vfs libnfs-utils python3-fusepy"
READY_S = 60
CONFIG = """
NFS_CORE_PARAM {{ Bind_addr = 127.0.0.1; NFS_Port = {port}; Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; }}
NFSv4 {{ Graceless = true; Only_Numeric_Owners = true; RecoveryBackend = fs; RecoveryRoot = "{folder}/recovery"; }}
EXPORT {{
  Export_Id = 1; Path = "{folder}/share"; Pseudo = /share; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Transports = TCP;
  FSAL {{ Name = VFS; }}
}}
"""


def is_here():
    return PROGRAM is not None and subprocess.run([PYTHON, "-c", HAS_CLIENT], check=False, stderr=subprocess.DEVNULL).returncode == 0


class Server:
    """Its own folder is `share`; who writes there beside it is not seen at once."""

    def __init__(self, folder):
        self.folder, self.share, self.log, self.port = folder, folder / "share", folder / "log", free_port()
        self.share.mkdir()
        (folder / "recovery").mkdir()
        (folder / "ganesha.conf").write_text(CONFIG.format(folder=folder, port=self.port))
        self.start()

    def start(self):
        self.log.write_text("")
        words = ("-F", "-f", self.folder / "ganesha.conf", "-L", self.log, "-p", self.folder / "pid", "-N", "NIV_EVENT")
        self.process = subprocess.Popen([PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(lambda: "NFS SERVER INITIALIZED" in self.log.read_text(), self.process)
        except RuntimeError:
            self.kill()
            raise

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def served(folder):
    server = Server(folder)
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def mounted(server, folder, how="hard"):
    """`how`: as `nfs_client` says."""
    command = [PYTHON, "-W", "ignore", CLIENT, str(server.port), folder, how]
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(lambda: f" {folder} " in Path("/proc/self/mounts").read_text(), client)
        yield folder
    finally:
        client.kill()  # what waits for the share ends with it
        client.wait()
        subprocess.run(["umount", "--lazy", folder], check=False)


def _await(is_so, process):
    deadline = time.monotonic() + READY_S
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args[0]} did not start")
        time.sleep(0.05)
