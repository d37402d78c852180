"""The firewall that the installation writes, loaded into the kernel of a machine that is a network namespace."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from tests.architecture.house import ROOT
from tests.peers.machines import Machine, network, until_it_is_there

PATIENCE_S = 60
SILENCE_S = 3
OPEN, SHUT = 443, 8080
OF_ANOTHER = "table inet another {\n  chain forward {\n    type filter hook forward priority filter; policy accept;\n  }\n}\n"
LISTENS = """
import pathlib, socket, sys
folder, doors = pathlib.Path(sys.argv[1]), [socket.create_server(("", int(port))) for port in sys.argv[2:]]
ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
ear.bind(("::", 546))
(folder / "listens").touch()
heard = set()
while "server" not in heard:
    heard.add(ear.recv(99).decode())
    (folder / "heard.new").write_text(" ".join(sorted(heard)))
(folder / "heard.new").rename(folder / "heard")
"""
ASKS = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])).close()
except TimeoutError:
    sys.exit("silence")
"""
TELLS = """
import contextlib, pathlib, socket, sys, time
def of(port):
    door = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    door.bind(("::", port))
    return door
stranger, server = of(548), of(547)
while not pathlib.Path(sys.argv[1]).exists():
    with contextlib.suppress(OSError):  # it has no address yet
        stranger.sendto(b"stranger", ("ff02::1%eth0", 546))
        server.sendto(b"server", ("ff02::1%eth0", 546))
    time.sleep(0.2)
"""
missing = os.geteuid() != 0 or not all(map(shutil.which, ("nft", "ip")))
pytestmark = pytest.mark.skipif(missing, reason="as root, with nft and ip: apt install nftables iproute2")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    text = (ROOT / "ansible/roles/base/templates/salesedge.nft.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(trim_blocks=True, autoescape=False).from_string(text)
    told = {"base_ssh_ports": [22], "base_sshd_ports": [22, 2222], "base_open_ports": [], "proxy_tls": "internal"}
    path = tmp_path / "salesedge.nft"
    path.write_text(template.render(told))
    return path


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    with network("box", "other") as machines:
        yield machines


def _on(machine: Machine, *command: str | Path, fails: bool = False) -> str:
    entered = ["ip", "netns", "exec", machine.name, *map(str, command)]
    done = subprocess.run(entered, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == int(fails), done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_is_loaded_again_in_its_own_place_and_other_tables_stay(machines: list[Machine], rules: Path, tmp_path: Path) -> None:
    box, another = machines[0], tmp_path / "another.nft"
    another.write_text(OF_ANOTHER)
    _on(box, "nft", "-f", another)
    _on(box, "nft", "-f", rules)
    once = _on(box, "nft", "list", "table", "inet", "salesedge")
    assert "tcp dport { 22, 80, 443, 2222 } accept" in once
    _on(box, "nft", "-f", rules)
    assert _on(box, "nft", "list", "table", "inet", "salesedge") == once
    tables = json.loads(_on(box, "nft", "-j", "list", "tables"))["nftables"]
    assert {each["table"]["name"] for each in tables if "table" in each} == {"another", "salesedge"}


def test_https_answers_and_what_is_not_open_does_not(machines: list[Machine], rules: Path, tmp_path: Path) -> None:
    """And an address by DHCPv6 arrives, from where its servers send and from nowhere else."""
    box, other = machines
    box.start("-c", LISTENS, str(tmp_path), str(OPEN), str(SHUT))
    until_it_is_there(tmp_path / "listens")

    def asks(port: int, patience: float, *, fails: bool = False) -> str:
        return _on(other, sys.executable, "-c", ASKS, box.address, str(port), str(patience), fails=fails)

    asks(SHUT, PATIENCE_S / 2)
    _on(box, "nft", "-f", rules)
    asks(OPEN, PATIENCE_S / 2)
    assert asks(SHUT, SILENCE_S, fails=True).strip() == "silence"
    other.start("-c", TELLS, str(tmp_path / "heard"))
    until_it_is_there(tmp_path / "heard")
    assert (tmp_path / "heard").read_text() == "server"
