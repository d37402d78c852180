"""A real sshd that offers SFTP and nothing else, on loopback, in a folder of its own."""

import contextlib
import getpass
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

PROGRAM = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
READY_S = 60
CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/pid
AuthorizedKeysFile {folder}/client.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""


@dataclass(frozen=True)
class Sftp:
    folder: Path
    port: int

    def target(self, path):
        """As a target of the configuration."""
        return {
            "repository": f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}/{path}", "identity_file": self.folder / "client",
            "known_hosts_file": self.folder / "known_hosts",
        }


@contextlib.contextmanager
def sftp_server(folder):
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "sshd_config").write_text(CONFIG.format(folder=folder, port=port))
    with contextlib.suppress(PermissionError):
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd goes before it knows who comes
    process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield Sftp(folder, port)
    finally:
        process.terminate()
        process.wait()


def _await(port):
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("sshd did not start")
