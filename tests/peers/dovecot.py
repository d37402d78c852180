"""A real Dovecot with one mailbox, in a folder of its own, on loopback. Mail is put into its Maildir as a server would deliver it."""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.peers import certificate
from tests.ports import free_port

PROGRAM = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
USER, PASSWORD = "vendas", "senha-do-correio"
READY_S = 60
CONFIG = """
base_dir = {run}
state_dir = {run}
log_path = {folder}/log
protocols = imap
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_login_user = {login}
default_internal_user = {internal}
default_internal_group = {group}
mail_location = maildir:{folder}/mail:INDEX=MEMORY
mailbox_idle_check_interval = 1s
first_valid_uid = 1
first_valid_gid = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password} user={user}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
"""


class Dovecot:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))  # socket paths have to be short
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = certificate.make(self.folder)
        self._delivered = 0
        self._process = None

    def __enter__(self):
        account = pwd.getpwnam("dovecot") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        mail = self.folder / "mail"
        for name in ("cur", "new", "tmp"):
            (mail / name).mkdir(parents=True)
        login = "dovenull" if os.getuid() == 0 else account.pw_name
        group = grp.getgrgid(account.pw_gid).gr_name
        (self.folder / "dovecot.conf").write_text(CONFIG.format(
            folder=self.folder, run=self.folder / "run", port=self.port, tls_port=self.tls_port, user=USER, password=PASSWORD, login=login,
            internal=account.pw_name, group=group, uid=account.pw_uid, gid=account.pw_gid,
        ))
        if os.getuid() == 0:
            self.folder.chmod(0o755)
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, account.pw_uid, account.pw_gid)
        self._owner = (account.pw_uid, account.pw_gid)
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self._process = subprocess.Popen([PROGRAM, "-F", "-c", str(self.folder / "dovecot.conf")], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    if probe.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text() if (self.folder / "log").exists() else "no log")

    def stop(self):
        """With every connection."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def deliver(self, raw: bytes, *, count: int = 1):
        mail = self.folder / "mail"
        for _ in range(count):
            self._delivered += 1
            name = f"{int(time.time())}.{self._delivered:06d}.box"
            (mail / "tmp" / name).write_bytes(raw)
            if os.getuid() == 0:
                os.chown(mail / "tmp" / name, *self._owner)
            (mail / "tmp" / name).rename(mail / "new" / name)

    def empty(self):
        mail = self.folder / "mail"
        for path in (*mail.glob("dovecot*"), *mail.glob("new/*"), *mail.glob("cur/*")):
            path.unlink()

    def count_anew(self):
        """The mailbox gets a new UIDVALIDITY, as after it was moved or mended."""
        for path in (self.folder / "mail").glob("dovecot*"):
            path.unlink()
