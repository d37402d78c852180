"""OpenStack Swift with its S3 interface: a real object store, one device in a folder of its own, on loopback with TLS."""

import contextlib
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.core.storage import FilesSettings
from tests.peers import certificate
from tests.ports import free_port

PYTHON = "/usr/bin/python3"  # Debian's packages are for Debian's Python
IS_HERE = shutil.which("swift-proxy-server") is not None and shutil.which("swift-object-server") is not None
READY_S = 120
KEY_ID, SECRET = "test:tester", "testing"
KINDS = ("account", "container", "object")
RUN = """
import sys
from swift.common import utils
utils.set_swift_dir(sys.argv[1])
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(f"{sys.argv[1]}/{sys.argv[2]}.conf", f"{sys.argv[2]}-server"))
"""
POLICY = "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = only\ndefault = yes\n"
STORAGE = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
log_address = {folder}/none
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
[DEFAULT]
swift_dir = {folder}
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
cert_file = {folder}/cert.pem
key_file = {folder}/key.pem
log_address = {folder}/none
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo symlink versioned_writes proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
[filter:symlink]
use = egg:swift#symlink
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""


@dataclass(frozen=True)
class ObjectStore:
    folder: Path
    port: int
    address: str = "127.0.0.1"

    def target(self, path):
        """As a target of the configuration."""
        return {
            "repository": f"s3:https://{self.address}:{self.port}/{path}", "credentials_file": self.folder / "credentials",
            "ca_file": self.folder / "cert.pem",
        }


    def files(self, bucket="box", **changed):
        """As the place of a box's files."""
        told = {
            "endpoint": f"https://{self.address}:{self.port}", "bucket": bucket, "credentials_file": self.folder / "credentials",
            "ca_file": self.folder / "cert.pem",
        }
        return FilesSettings(**told | changed)


@contextlib.contextmanager
def object_store(folder, address="127.0.0.1"):
    """`address`: by which it is called, where something else brings it to this machine's loopback."""
    if not IS_HERE:
        pytest.skip("Swift is not installed (apt-get install swift-proxy swift-account swift-container swift-object)")
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    certificate.make(folder, address)
    (folder / "credentials").write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    (folder / "swift.conf").write_text(POLICY)
    (folder / "devices" / "one").mkdir(parents=True)
    (folder / "run.py").write_text(RUN)
    *ports, port = (free_port() for _ in range(len(KINDS) + 1))
    for kind, own in zip(KINDS, ports, strict=True):
        (folder / f"{kind}.conf").write_text(STORAGE.format(folder=folder, kind=kind, port=own, user=user))
        for words in (("create", "4", "1", "0"), ("add", f"r1z1-127.0.0.1:{own}/one", "1"), ("rebalance",)):
            subprocess.run(["swift-ring-builder", folder / f"{kind}.builder", *words], check=True, capture_output=True)
    (folder / "proxy.conf").write_text(PROXY.format(folder=folder, port=port, user=user))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = [subprocess.Popen([PYTHON, folder / "run.py", folder, kind], **quiet) for kind in (*KINDS, "proxy")]
    try:
        for own in (*ports, port):
            _await(own)
        yield ObjectStore(folder, port, address)
    finally:
        for process in running:
            process.kill()
            process.wait()


def _await(port):
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("Swift did not start")
