"""`python -m tests.bench.bench_sessions [--sessions 20]`: linked numbers watched over at once, and the memory each takes.

Each session is a confined child with the real library, showing its QR, which a peer on this machine that speaks WhatsApp's handshake
gives out. Memory is proportional (Pss): pages that children share are divided among them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from appliance.core import crypto, db, memory
from appliance.core.box import open_box
from appliance.core.config import NetworkMode, Settings
from appliance.core.ids import new_id
from appliance.core.tenancy import TenantKey
from appliance.core.uow import Actor
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import RISK_VERSION, LinkState
from appliance.entrypoints.domains import MANIFESTS
from tests.architecture.house import ROOT
from tests.peers.whatsapp.child import environment, whatsapp
from tests.servers import redis_server

MB = 2**20
LIMIT_S = 300
MEASURED_S = 15


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=20)
    number = parser.parse_args().sessions
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as redis, whatsapp(Path(folder)) as (peer, libraries):
        os.environ.update(environment(peer, libraries))
        measure(open_one(Path(folder), redis), number)


def open_one(home: Path, redis: str):
    plain = Settings(home=home)
    crypto.create_master_key(home / "master.key")
    settings = plain.model_copy(
        update={
            "redis": plain.redis.model_copy(update={"url": redis}),
            "keys": plain.keys.model_copy(update={"master_key_file": home / "master.key"}),
            "network": plain.network.model_copy(update={"mode": NetworkMode.CONNECTED}),
        }
    )
    box = open_box(settings, MANIFESTS)
    db.Rows.metadata.create_all(box.database.engine)
    return box


def measure(box, number: int) -> None:
    tenant_id = new_id()
    with box.whole_box("bench") as uow:
        uow.session.add(TenantKey(tenant_id=tenant_id, wrapped=box.keys.new_tenant_key(tenant_id)))
    supervisor = start_supervisor(box.settings)
    time.sleep(MEASURED_S)
    alone = pss(supervisor.pid)
    started = time.monotonic()
    with box.unit(tenant_id, Actor("user", new_id(), "Bench")) as uow:
        for place in range(number):
            channel_id = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name=f"Number {place}")).id
            actions.accept_risk(uow, channel_id, RISK_VERSION)
            actions.begin_link(uow, channel_id)
    await_all(box, tenant_id, number)
    took = time.monotonic() - started
    children = children_of(supervisor.pid)
    everybody = [*children, supervisor.pid]
    before, at = sum(map(cpu, everybody)), time.monotonic()
    time.sleep(MEASURED_S)
    spent = (sum(map(cpu, everybody)) - before) / (time.monotonic() - at)
    sizes = sorted(pss(pid) / MB for pid in children)
    print(f"{number} sessions showing their QR after {took:.0f} s")
    print(f"memory of a session: {sizes[0]:.0f} to {sizes[-1]:.0f} MB, mean {sum(sizes) / number:.1f} MB")
    print(f"supervisor: {alone / MB:.0f} MB without sessions, {(pss(supervisor.pid) - alone) / MB:.1f} MB more with them")
    print(f"processor while they wait: {100 * spent:.1f} % of one core for all")
    supervisor.kill()
    killed_at = time.monotonic()
    supervisor.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() - killed_at < LIMIT_S
        time.sleep(0.1)
    print(f"none is left {time.monotonic() - killed_at:.1f} s after its kill -9")
    shutil.rmtree(memory.keys_folder(box.settings.home))
    box.close()


def start_supervisor(settings: Settings) -> subprocess.Popen[bytes]:
    environ = {
        "SALESEDGE_HOME": settings.home,
        "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file,
        "SALESEDGE__NETWORK__MODE": "connected",
    }
    given = {name: str(value) for name, value in environ.items()}
    settings.run_dir.mkdir()
    command = [sys.executable, "-m", "appliance.entrypoints.sessions"]
    return subprocess.Popen(command, env={**os.environ, **given}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()  # of its threads: each number has one
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def await_all(box, tenant_id, number: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while True:
        with box.unit(tenant_id, read_only=True) as uow:
            ready = sum(link.state is LinkState.QR for _, link in queries.list_links(uow))
        if ready == number:
            return
        assert time.monotonic() < deadline, f"{ready} of {number} after {LIMIT_S} s"
        time.sleep(0.5)


def pss(pid: int) -> int:
    """Bytes. Only root may look into a child that shows nobody its memory: others are told what it holds with all that is shared."""
    place, name = ("smaps_rollup", "Pss:") if os.geteuid() == 0 else ("status", "VmRSS:")
    lines = Path(f"/proc/{pid}/{place}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def cpu(pid: int) -> float:
    """Seconds so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
