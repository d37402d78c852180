"""Boxes as a quick start leaves them, and releases to update them to: this tree with another version and one migration more."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.error
import urllib.request
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.core import crypto, db, envelope, releases
from appliance.core.config import KeySettings, Settings
from tests.architecture.house import ROOT
from tests.ports import free_port

PATIENCE_S = 600
PARTS = ("appliance", "webui", "models", "requirements", "pyproject.toml", "README.md", "LICENSE", "config.example.toml")
KEY = Ed25519PrivateKey.generate()
GOOD = """
import sqlalchemy as sa
from alembic import op

revision = "aaaa00000002"
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("tenants", sa.Column("planted", sa.String(20), server_default="yes"))
"""
FAILS = GOOD + '    op.execute("INSERT INTO tenants (id) SELECT id FROM tenants")\n'


def tree_of_the_last_release(folder: Path) -> Path:
    """This tree where a copy's history does not reach back to it."""
    release = last_release()
    if not release:
        warnings.warn("the release before is not in this copy; updates are tried from this tree: git fetch --unshallow", stacklevel=1)
        return this_tree(folder)
    folder.mkdir()
    packed = subprocess.run(["git", "-C", ROOT, "archive", release], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    return folder


def last_release() -> str:
    """The newest tag; without tags, the last commit before the version was raised; empty in a copy without either."""
    if tags := _git("tag", "--list", "v*", "--sort=-v:refname"):
        return tags[0]
    raised = _git("log", "-1", "--format=%P", f'-Sversion = "{version_of(ROOT)}"', "--", "pyproject.toml")
    return raised[0] if raised else ""


def _git(*words: str) -> list[str]:
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False).stdout.split()


def this_tree(folder: Path) -> Path:
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def next_tree(folder: Path, version: str, migration: str = GOOD, **changed: str) -> Path:
    """`changed`: text put at the end of files, by their dotted module."""
    return raised(this_tree(folder), version, migration, **changed)


def raised(tree: Path, version: str, migration: str = GOOD, **changed: str) -> Path:
    before = version_of(tree)
    for name in ("pyproject.toml", "appliance/__init__.py"):
        path = tree / name
        text = path.read_text()
        for said in ('version = "{}"', '__version__ = "{}"'):
            text = text.replace(said.format(before), said.format(version))
        path.write_text(text)
    versions = tree / "appliance/migrations/versions"
    if migration:
        last = head_of(tree)
        (versions / "20991231_0000_aaaa00000002_planted.py").write_text(migration.replace("{before!r}", repr(last)))
    for module, text in changed.items():
        path = tree / f"{module.replace('.', '/')}.py"
        path.write_text(path.read_text() + text)
    return tree


def head_of(tree: Path) -> str:
    config = Config()
    config.set_main_option("script_location", str(tree / "appliance/migrations"))
    return str(ScriptDirectory.from_config(config).get_current_head())


def version_of(tree: Path) -> str:
    return releases.version_of(tree)


def made(tree: Path, out: Path, **told: Any) -> Path:
    """The release file of a tree, hardly packed: it is made in a moment."""
    archive = out.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(tree, ".")
    told = {"version": version_of(tree), "updates_from": "0.0.1", "made_at": "2026-11-22T18:00:00+00:00"} | told
    key = told.pop("key", KEY)
    releases.write(out, {releases.SOURCE: archive}, key, revisions=releases.revisions_of(tree), **told)
    return out


@dataclass
class Box:
    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def python(self) -> Path:
        return self.folder / "own/.venv/bin/python"

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SALESEDGE", "COV", "PYTHON"))}
        return own | {
            "SALESEDGE_HOME": str(self.home), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(self.folder / "keys/master.key"), "LANG": "en",
            "SALESEDGE__SERVER__PORT": str(self.port), "PYTHONDONTWRITEBYTECODE": "",
            "SALESEDGE__WORKERS__PROCESSES": "1", "SALESEDGE__WORKERS__SLOW_PROCESSES": "1",
            **self.more,
        }  # fmt: skip

    def set_up(self, tree: Path) -> None:
        """A virtual environment that has this one's packages, and the tree in it."""
        self.install(tree, self.folder / "own/.venv")
        (self.home / "release-keys").mkdir(parents=True)
        self.home.chmod(0o700)
        public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self.home / "release-keys/maker.pem").write_bytes(public)
        (self.folder / "password").write_text("correct horse battery staple")
        self.run("setup", "--email", "ana@solara.example", "--password-file", str(self.folder / "password"), "--tenant", "Solara")

    @staticmethod
    def install(tree: Path, venv: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (site,) = venv.glob("lib/python3*/site-packages")
        (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (site / "__editable__.salesedge-0.pth").write_text(f"{tree}\n{tree}/models\n")

    def start(self, *arguments: str, said: int | IO[str] = subprocess.PIPE) -> subprocess.Popen[str]:
        command = [str(self.python), "-m", "appliance.entrypoints.cli", *arguments]
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, *arguments: str, fails: bool = False, any_end: bool = False) -> str:
        process = self.start(*arguments)
        out, said = process.communicate(timeout=PATIENCE_S)
        assert any_end or process.returncode == (1 if fails else 0), (arguments, out, said)
        return said if fails else out

    def update(self, file: Path, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.run("update", str(file), "--json", *arguments)))

    def up(self) -> subprocess.Popen[str]:
        with (self.folder / "up.log").open("a") as said:  # a pipe that nobody reads holds up who writes into it
            process = self.start("up", said=said)
        self.await_version("")
        return process

    @property
    def running(self) -> list[subprocess.Popen[str]]:
        return [process for process in self.started if process.poll() is None]

    def cut_power(self) -> None:
        for process in self.running:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)

    def health(self) -> dict[str, Any]:
        """Empty while nobody answers that it is ready."""
        try:
            for path in ("/health/ready", "/health"):
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                    told = json.load(answer)
        except (urllib.error.URLError, OSError):
            return {}
        return dict(told)

    def await_version(self, version: str) -> None:
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            if (told := self.health()) and version in told.get("version", ""):
                return
            time.sleep(0.2)
        raise AssertionError((version, self.health(), self.journal()))

    def journal(self) -> dict[str, Any]:
        path = self.home / "releases/update.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def asked(self, sql: str) -> list[tuple[Any, ...]]:
        """Of the database itself: a process of the release loads all of it before it asks."""
        if url := self.more.get("SALESEDGE__DATABASE__URL"):
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                return [tuple(map(str, row)) for row in connection.execute(sql.encode())]
        settings = Settings(home=self.home, keys=KeySettings(master_key_file=self.folder / "keys/master.key"))
        database = db.connect(settings, crypto.Keyring(envelope.open_root(settings)).database_key)
        with contextlib.closing(database), database.read_only.connect() as connection:
            return [tuple(map(str, row)) for row in connection.exec_driver_sql(sql)]

    def close(self) -> None:
        self.cut_power()
        for process in self.started:
            process.communicate(timeout=PATIENCE_S)
