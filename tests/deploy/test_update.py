"""A box with data is updated from the last release to this tree: kept, refused, undone, killed on the way, and gone back from."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core import releases
from appliance.core.signatures import sign
from tests.architecture.house import ROOT
from tests.deploy.updates import FAILS, PATIENCE_S, Box, made, next_tree, tree_of_the_last_release, version_of
from tests.journeys.running import wait_for
from tests.peers.graph import NUMBER, SECRET, TOKEN, VERIFY, text_webhook
from tests.servers import postgresql_server

pytestmark = pytest.mark.slow
GONE = "\nraise RuntimeError('this release has no pages')\n"
APP_RIGHTS = ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES")
EMAIL, PASSWORD = "ana@solara.example", "correct horse battery staple"
DYING = """
import os, signal, sys
from appliance.core import updates
from appliance.entrypoints import cli
from appliance.entrypoints.updating import updater
called = {owner}.{name}

def dies(*args, **named):
    came = called(*args, **named)
    if {when}:
        for pid in {pids!r}:
            os.killpg(pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return came

{owner}.{name} = dies
sys.argv = ["salesedge", "update", {file!r}]
cli.main()
"""
# What the rehearsal found is written down; the tables are changed; the new release is up behind closed doors; they are open.
MOMENTS = {
    "rehearse": {"owner": "updates.Releases", "name": "write", "when": "came.step == 'rehearse' and came.migrates"},
    "migrate": {"owner": "updater._Going", "name": "_run", "when": "'migrate' in args"},
    "gate": {"owner": "updater._Going", "name": "_failures", "when": "args[0].journal.step == 'gate'"},
    "open": {"owner": "updates.Releases", "name": "write", "when": "came.step == 'open'"},
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree_of_the_last_release(tmp_path_factory.mktemp("old") / "tree")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, old: Path) -> dict[str, Path]:
    """Release files that follow: one that is well, one whose migration fails, one without pages. Packages are those that the box has."""
    folder = tmp_path_factory.mktemp("files")
    good = next_tree(folder / "good", "99.1")
    fails = next_tree(folder / "fails", "99.2", FAILS)
    ill = next_tree(folder / "ill", "99.3", **{"appliance.entrypoints.live": GONE})
    for tree in (good, fails, ill):
        shutil.copytree(old / "requirements", tree / "requirements", dirs_exist_ok=True)
    return {tree.name: made(tree, folder / f"{tree.name}.release") for tree in (good, fails, ill)}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, old: Path) -> Iterator[Box]:
    """In use, with a number that customers write to."""
    box = Box(tmp_path_factory.mktemp("box"))
    box.set_up(old)
    try:
        box.up()
        api = httpx.Client(base_url=f"http://127.0.0.1:{box.port}", timeout=PATIENCE_S)
        token = api.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}).raise_for_status().json()["access_token"]
        secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
        number = {"kind": "whatsapp_cloud", "name": "Comercial", "external_id": NUMBER, "secrets": secrets}
        api.post("/api/v1/channels", json=number, headers={"Authorization": f"Bearer {token}"}).raise_for_status()
        yield box
    finally:
        box.close()


class Customers(threading.Thread):
    """Somebody writes; what was not taken with a 200 is offered again, as Meta does."""

    def __init__(self, box: Box) -> None:
        super().__init__(daemon=True)
        self._url, self._ended = f"http://127.0.0.1:{box.port}/webhooks/whatsapp", threading.Event()
        self.taken: list[str] = []
        self.answers: set[int] = set()

    def run(self) -> None:
        number = 0
        while not self._ended.wait(0.3):
            number += 1
            self._offer(f"wamid.{id(self)}.{number}.")

    def _offer(self, name: str) -> None:
        body = json.dumps(text_webhook("oi", first_id=name)).encode()
        headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
        while not self._ended.wait(0.1):
            with contextlib.suppress(httpx.HTTPError):
                status = httpx.post(self._url, content=body, headers=headers, timeout=PATIENCE_S).status_code
                self.answers.add(status)
                if status == 200:
                    self.taken.append(f"{name}0")
                    return

    def stop(self) -> None:
        self._ended.set()
        self.join()


@contextlib.contextmanager
def customers_of(box: Box) -> Iterator[Customers]:
    """Each message that was taken is there once in the end."""
    customers = Customers(box)
    customers.start()
    try:
        yield customers
    finally:
        customers.stop()

    def missing() -> set[str]:
        return set(customers.taken) - set(held())

    def held() -> list[str]:
        return [name for (name,) in box.asked("SELECT provider_message_id FROM messages WHERE provider_message_id IS NOT NULL")]

    assert customers.taken
    wait_for(lambda: not missing(), limit_s=PATIENCE_S, why=missing)
    assert len(held()) == len(set(held()))


def has_column(box: Box) -> bool:
    """What the new release's migration adds."""
    columns = "SELECT column_name FROM information_schema.columns" if box.more else "SELECT name FROM pragma_table_info"
    where = "WHERE table_name = 'tenants'" if box.more else "('tenants')"
    return ("planted",) in box.asked(f"{columns} {where}")


def is_as_before(box: Box, old: Path) -> None:
    box.await_version(version_of(old))
    assert not has_column(box)
    assert {name for name in ("rehearsal", "before-update") if (box.home / name).exists()} == set()
    assert not (box.home / "releases/current").exists()


def test_files_that_are_not_to_be_trusted_are_refused(box: Box, old: Path, files: dict[str, Path], tmp_path: Path) -> None:
    names = ("altered", "stranger", "older", "far", "rewritten")
    altered, stranger, older, far, rewritten = (tmp_path / f"{name}.release" for name in names)
    content = bytearray(files["good"].read_bytes())
    content[-5000] ^= 1
    altered.write_bytes(content)
    tree = tmp_path / "tree"
    shutil.copytree(old / "appliance/migrations/versions", tree / "appliance/migrations/versions")
    shipped = next((tree / "appliance/migrations/versions").glob("2*.py"))
    (tree / "pyproject.toml").write_text('[project]\nversion = "99.1"\n')
    made(tree, stranger, key=Ed25519PrivateKey.generate())
    made(tree, older, version="0.0.9")
    made(tree, far, updates_from="98")
    shipped.write_text(f"{shipped.read_text()}\n")
    made(tree, rewritten)
    bad = (altered, stranger, older, far, rewritten)
    said = {path.stem: box.run("update", str(path), "--check", fails=True) for path in bad}
    assert "source.tar.gz in the release file is not what was signed" in said["altered"]
    assert "No key that this box trusts signed this release file" in said["stranger"]
    assert "the file holds 0.0.9. To go back: salesedge rollback" in said["older"]
    assert "Update to 98 first" in said["far"]
    assert re.search(r"migration \w+ is another there", said["rewritten"])
    assert not box.journal()


def test_looking_at_a_file_changes_nothing(box: Box, old: Path, files: dict[str, Path]) -> None:
    told = box.update(files["good"], "--check")
    new = releases.revisions_of(ROOT).keys() - releases.revisions_of(old).keys() | {"aaaa00000002"}
    assert (told["version"], set(told["migrations"]), told["has_packages"]) == ("99.1", new, False)
    assert not box.journal()


def test_a_migration_that_fails_is_found_on_a_copy(box: Box, old: Path, files: dict[str, Path]) -> None:
    """Nothing is stopped."""
    with customers_of(box) as customers:
        said = box.run("update", str(files["fails"]), fails=True)
    assert "(rehearse: " in said
    assert customers.answers == {200}
    assert (box.journal()["outcome"], box.journal()["halted"]) == ("refused", False)
    is_as_before(box, old)


def test_a_release_that_is_not_well_is_undone(box: Box, old: Path, files: dict[str, Path]) -> None:
    with customers_of(box):
        said = box.run("update", str(files["ill"]), "--patience", "15", fails=True)
        box.await_version(version_of(old))
    assert "(gate: " in said
    assert box.journal()["outcome"] == "undone"
    is_as_before(box, old)


@pytest.mark.parametrize("step", ["rehearse", "migrate", "gate"])
def test_cut_off_before_its_doors_open_it_is_the_old_release(box: Box, old: Path, files: dict[str, Path], step: str) -> None:
    """The updater alone at the rehearsal; from then on the power is cut, and whoever starts the box ends the update."""
    with customers_of(box):
        if step == "rehearse":
            die(box, files["good"], step)
            assert json.loads(box.run("update", "--resume", "--json"))["outcome"] == "refused"
        else:
            die(box, files["good"], step, *box.running)
            assert has_column(box)
            box.up()
        is_as_before(box, old)
    assert (box.journal()["step"], box.journal()["failed_step"]) == ("done", step)


def test_what_is_well_is_kept_and_may_be_gone_back_from(box: Box, old: Path, files: dict[str, Path]) -> None:
    """Cut off once its doors opened, it keeps what it took. What came since is lost only to who says so."""
    with customers_of(box) as customers:
        die(box, files["good"], "open")
        taken = len(customers.taken)
        wait_for(lambda: len(customers.taken) > taken + 1, limit_s=PATIENCE_S, why=box.journal)
        assert box.journal()["step"] == "open"
        box.cut_power()
        box.up()
        box.await_version("99.1")
    assert (box.journal()["step"], box.journal()["outcome"]) == ("done", "updated")
    assert customers.answers <= {200, 503}
    assert box.asked("SELECT name, planted FROM tenants") == [("Solara", "yes")]
    assert "--discard" in box.run("rollback", fails=True)
    assert json.loads(box.run("rollback", "--discard", "--json"))["outcome"] == "rolled back"
    is_as_before(box, old)
    assert "There is no update to go back from" in box.run("rollback", fails=True)


def test_data_in_postgresql_are_backed_up_rehearsed_on_kept_and_put_back(tmp_path: Path, old: Path, files: dict[str, Path]) -> None:
    with postgresql_server() as owner:
        prepared = {
            "postgres": ("CREATE ROLE app LOGIN", "CREATE DATABASE box"),
            "box": tuple(f"ALTER DEFAULT PRIVILEGES GRANT {rights} TO app" for rights in APP_RIGHTS),
        }
        for database, orders in prepared.items():
            with psycopg.connect(f"host={owner.partition('host=')[2]} user=owner dbname={database}", autocommit=True) as connection:
                for order in orders:
                    connection.execute(order)
        address = owner.format(database="box")
        more = {"SALESEDGE__DATABASE__OWNER_URL": address, "SALESEDGE__DATABASE__URL": address.replace("owner@", "app@")}
        with contextlib.closing(Box(tmp_path / "box", more)) as box:
            box.set_up(old)
            box.up()
            target = tmp_path / "target"
            # for commands: what runs already makes none by itself
            box.more["SALESEDGE__BACKUP__TARGETS"] = json.dumps({"usb": {"repository": str(target)}})
            target.write_text("no folder")
            said = box.run("update", str(files["good"]), fails=True)
            assert "(backup: usb: " in said
            assert (box.journal()["outcome"], box.journal()["halted"]) == ("refused", False)
            is_as_before(box, old)
            target.unlink()
            assert box.update(files["good"])["outcome"] == "updated"
            box.await_version("99.1")
            assert len(json.loads(box.run("backup", "list", "--json"))) == 1
            assert box.asked("SELECT name, planted FROM tenants") == [("Solara", "yes")]
            assert json.loads(box.run("rollback", "--discard", "--json"))["outcome"] == "rolled back"
            is_as_before(box, old)


def die(box: Box, file: Path, step: str, *with_it: subprocess.Popen[str]) -> None:
    """The updater, and who is to die with it."""
    script = DYING.format(**MOMENTS[step], file=str(file), pids=[process.pid for process in with_it])
    command = [box.python, "-c", script]
    done = subprocess.run(command, cwd=box.folder, env=box.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert box.journal()["step"] == step


def test_what_was_shipped_is_not_changed(old: Path) -> None:
    """The migrations of the last release are in this tree as they were."""
    here = releases.revisions_of(ROOT)
    assert {name: here.get(name) for name in releases.revisions_of(old)} == releases.revisions_of(old)
