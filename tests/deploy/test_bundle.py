"""installers/install.sh, and with it ansible/site.yml, on a bare machine that systemd runs: what it leaves behind works.

Without a network first: installers/bundle made one file, all comes from it, and the box does its job, also after a restart and an update.
Then a network leads out, and what the box has lost since comes from the distribution and from PyPI.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance import __version__
from appliance.domains.branding.rules import packs
from tests.architecture.house import ROOT
from tests.deploy import bare, updates
from tests.deploy.units import RESUME, SERVICES
from tests.modelserver import tiny_gguf

LIMIT_S = 2400
NEXT = "99.1"
CUT_AT = 30_000_000
ANSWERS = """
app_settings:
  server: {port: 8090}
  backup: {targets: {second: {repository: /srv/backups}}}
backup_targets:
  disk:
    repository: /var/backups/salesedge
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(LIMIT_S + 600)]
KEY, ANOTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all of bundled.sh was done, of restarted.sh and resumed.sh after a restart each, and then of mended.sh."""
    if reason := bare.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("bundled")
    root, made = folder / "root", folder / "box.release"
    with ThreadPoolExecutor() as pool:  # both wait for the network, and the disk, more than they count
        bundling = pool.submit(_make_bundle, folder, made)
        bare.make(root)
        bundling.result()
    bundle, _later = (path.rename(root / "srv" / path.name) for path in (made, made.with_name("next.release")))
    with bundle.open("rb") as whole:
        (root / "srv/cut.release").write_bytes(whole.read(CUT_AT))
    for name, key in (("key.pem", KEY), ("other.pem", ANOTHER)):
        (root / "srv" / name).write_bytes(_public(key))
    (root / "out/answers.yml").write_text(ANSWERS)
    for name in ("bundled.sh", "restarted.sh", "resumed.sh", "mended.sh", "serving.sh", "main_job.py"):
        shutil.copy(ROOT / "tests/deploy" / name, root / "out")
    bare.boot(root, root / "out/bundled.sh", timeout_s=LIMIT_S)
    bare.boot(root, root / "out/restarted.sh", timeout_s=LIMIT_S)
    bare.boot(root, root / "out/resumed.sh", timeout_s=LIMIT_S)
    bare.reach_the_network(root)
    bare.run(root, root / "out/mended.sh", timeout_s=LIMIT_S)
    yield root
    bare.remove(root)


def _make_bundle(folder: Path, bundle: Path) -> None:
    """Of this tree as it stands, a real model and a brand, on a machine that has them."""
    tree = folder / "tree"
    bare.copy_tree(tree)
    later = shutil.copytree(tree, folder / "later")
    updates.made(updates.raised(later, NEXT), bundle.with_name("next.release"), key=KEY)
    shutil.rmtree(later)
    git = ["git", "-C", tree, "-c", "user.name=a", "-c", "user.email=a@a.invalid"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)
    (tree / ".venv").symlink_to(sys.prefix)
    model, brand, key = folder / "tiny.gguf", folder / "brand.zip", folder / "key.pem"
    tiny_gguf.write(model)
    brand.write_bytes(packs.write({"name": "Aurora"}, {}))
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    environment = os.environ | {"SALESEDGE_HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
    imported = [sys.executable, "-m", "appliance.entrypoints.cli", "models", "import", str(model)]
    subprocess.run(imported, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    command = [tree / "installers/bundle", "--key", key, "--output", bundle, "--models", "tiny", "--brand", brand]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(tree)


def _out(root: Path, name: str) -> str:
    return (root / "out" / name).read_text(encoding="utf-8")


def _recap(said: str) -> dict[str, int]:
    (line,) = re.findall(r"^salesedge +: (.*)$", said, re.MULTILINE)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("flipped", r"debs/\S+\.deb in the release file is not what was signed\. Get the file again\."),
        ("foreign", r"The key /srv/other\.pem did not sign this release file\. It was altered, or comes from somebody else\."),
        ("cut", r"The release file was cut off\. Get it again\."),
    ],
)
def test_a_bundle_that_is_not_its_makers_is_refused_and_changes_nothing(root: Path, name: str, sentence: str) -> None:
    assert _out(root, f"{name}.code") == "1\n"
    assert "the bundle was refused; nothing was changed." in _out(root, name)
    assert re.search(sentence, _out(root, name))
    assert _out(root, "before")
    assert set(_out(root, "after").splitlines()) ^ set(_out(root, "before").splitlines()) == set()


def test_a_box_that_root_tried_before_is_left_alone_and_said(root: Path) -> None:
    said = _out(root, "tried")
    assert _out(root, "tried.code") == "1\n", said[-4000:]
    assert "/var/lib/salesedge/salesedge.db, /etc/salesedge/master.key. Stop it, then move it aside with" in said
    assert set(_out(root, "alone").splitlines()) == {"salesedge.db root", "master.key root"}


def test_it_is_installed_where_no_route_leads_out_and_again_changes_nothing(root: Path) -> None:
    routes = _out(root, "routes").splitlines()
    assert [line for line in routes if not line.startswith("Iface") and not line.endswith(" lo")] == []
    for name in ("first", "second"):
        assert _out(root, f"{name}.code") == "0\n", _out(root, name)[-4000:]
    assert _recap(_out(root, "first"))["changed"] > 0
    assert _recap(_out(root, "second"))["changed"] == 0, _out(root, "second")
    by_hand = _out(root, "second")
    assert re.findall(r"[A-Z][^?\n\]]*\? \[[^]]*\]", by_hand) == [
        "Name people type to reach the box? [box.test]",
        *["Certificate: acme, internal, supplied or none? [internal]"] * 2,
        "Size: small, medium or large? [small]",
    ]
    assert "It has to be one of: acme internal supplied none" in by_hand
    code = re.search(r"Open https://box\.test/setup and enter the one-time code \S+", _out(root, "first"))
    assert code is not None, _out(root, "first")[-2000:]


def test_what_was_lost_comes_from_the_network_and_nothing_else_is_changed(root: Path) -> None:
    assert _out(root, "lost.code") == "1\n"
    assert _out(root, "mended.code") == "0\n", _out(root, "mended")[-4000:]
    assert _recap(_out(root, "mended"))["changed"] == len(("the Debian package", "the Python package")), _out(root, "mended")
    assert "por" in _out(root, "languages").split()
    assert _out(root, "found.code") == "0\n", _out(root, "found")


def test_check_mode_says_that_another_release_would_come_and_brings_none(root: Path) -> None:
    said = _out(root, "check")
    assert _out(root, "check.code") == "0\n", said[-4000:]
    recap = _recap(said)
    assert (recap["failed"], recap["unreachable"]) == (0, 0), said
    assert recap["changed"] > 0, said
    assert _out(root, "releases.after") == _out(root, "releases.before") != ""


def test_the_processes_start_with_the_machine(root: Path) -> None:
    found = set(_out(root, "enabled").split())
    expected = {unit.replace("@.", "@1.") for unit in SERVICES} | {"salesedge-worker@2.service", "salesedge.target", RESUME}
    assert found == expected


def test_the_main_job_is_done_there_and_the_answer_names_its_source(root: Path) -> None:
    assert _out(root, "first.answer") == f"200 {__version__}\n", _out(root, "console")[-4000:]
    assert _out(root, "code.code") == "0\n", _out(root, "code")
    assert json.loads(_out(root, "setup"))["tenant"] == "Solara Energia"
    assert _out(root, "job.code") == "0\n", _out(root, "job")
    _is_cited(json.loads(_out(root, "job")))


def _is_cited(said: dict[str, Any]) -> None:
    assert "10 anos" in said["answer"]
    assert [source["document_name"] for source in said["sources"]] == ["garantia.md"]


def test_after_a_restart_of_the_machine_all_of_it_comes_back_by_itself(root: Path) -> None:
    assert _out(root, "again.answer") == f"200 {__version__}\n", _out(root, "console")[-4000:]
    running = {line.split()[0] for line in _out(root, "again.units").splitlines()}
    assert running >= set(_out(root, "enabled").split()) - {RESUME}
    assert _out(root, "again.job.code") == "0\n", _out(root, "again.job")
    _is_cited(json.loads(_out(root, "again.job")))


def test_systemd_starts_again_what_was_killed_and_what_stands_still(root: Path) -> None:
    restarts = {unit: (int(times), state) for unit, times, state in map(str.split, _out(root, "killed.units").splitlines())}
    assert restarts.keys() == {"web", "models", "redis", "worker@1", "scheduler", "sessions", "relay"}
    assert all(times >= 1 and state == "active" for times, state in restarts.values()), restarts
    assert "Watchdog timeout" in _out(root, "watchdog")
    assert _out(root, "logs.code") == "0\n", _out(root, "logs")
    assert "Watchdog timeout" in _out(root, "logs")
    assert _out(root, "killed.answer") == f"200 {__version__}\n"


def test_it_is_updated_and_goes_back_under_systemd(root: Path) -> None:
    assert _out(root, "update.code") == "0\n", _out(root, "update")
    assert _out(root, "updated.answer") == f"200 {NEXT}\n"
    assert _out(root, "updated.job.code") == "0\n", _out(root, "updated.job")
    _is_cited(json.loads(_out(root, "updated.job")))
    assert _out(root, "rollback.code") == "0\n", _out(root, "rollback")
    assert _out(root, "back.answer") == f"200 {__version__}\n"


def test_an_update_that_a_power_cut_interrupted_is_undone_when_the_machine_starts(root: Path) -> None:
    cut, resumed = json.loads(_out(root, "cut.journal")), json.loads(_out(root, "resumed.journal"))
    assert (cut["step"], cut["outcome"]) == ("gate", None)
    assert (resumed["step"], resumed["outcome"], resumed["halted"]) == ("done", "undone", False), _out(root, "resumed.said")
    assert _out(root, "resumed.answer") == f"200 {__version__}\n"
    assert _out(root, "resumed.job.code") == "0\n", _out(root, "resumed.job")
    _is_cited(json.loads(_out(root, "resumed.job")))


@pytest.mark.parametrize("asked", ["failed", "again.failed", "resumed.failed"])
def test_nothing_on_the_machine_has_failed(root: Path, asked: str) -> None:
    assert (_out(root, f"{asked}.code"), _out(root, asked)) == ("0\n", "")


@pytest.mark.parametrize("asked", ["first.status", "again.status", "killed.status", "resumed.status", "doctor"])
def test_all_processes_are_well_and_the_doctor_finds_what_it_needs(root: Path, asked: str) -> None:
    depends = {"memory", "disk", "shared memory", "files", "swap"}  # on the machine of the test
    depends |= {"backups"}  # on whether the first one was tried by then: nobody made the folder of the second target
    found = json.loads(_out(root, asked))
    assert {name for name, finding in found.items() if not finding["ok"]} - depends == set(), found


def test_models_brand_and_key_came_along(root: Path) -> None:
    assert [each["name"] for each in json.loads(_out(root, "models")) if each["installed"] and each["name"] == "tiny"] == ["tiny"]
    assert _out(root, "verified.code") == "0\n", _out(root, "verified")
    assert json.loads(_out(root, "brand"))["name"] == "Aurora"
    assert _out(root, "trusted") == "first.pem root 644\n"
    assert (root / "opt/salesedge/release-keys/first.pem").read_bytes() == _public(KEY)


def test_the_machines_own_sources_stay_as_they_were(root: Path) -> None:
    assert _out(root, "sources.after") == _out(root, "sources.before") != ""
    assert "pip.conf" not in _out(root, "sources.after")
    assert "bundle" not in _out(root, "releases").split()


def test_settings_reach_what_stands_around_the_box(root: Path) -> None:
    """The port reaches the proxy, as the answer over TLS shows; targets of both ways may be written to."""
    assert _out(root, "exceptions").splitlines()[2:] == ["ReadWritePaths=-/var/backups/salesedge", "ReadWritePaths=-/srv/backups"]
    assert "systemd-journal" in _out(root, "groups").split()


def test_the_firewall_adds_to_what_is_there_and_leaves_ssh_open(root: Path) -> None:
    said = _out(root, "firewall")
    assert "flush ruleset" in said  # the distribution's own file
    assert 'include "/etc/nftables.d/salesedge.nft"' in said
    assert "tcp dport { 22, 80, 443, 2222 } accept" in said
    assert "policy drop" not in said.partition("chain forward")[2].partition("table inet salesedge")[0]


def test_the_journal_is_limited_where_systemd_reads_it(root: Path) -> None:
    """All processes of the box log there, so that nothing else has to be rotated."""
    assert _out(root, "journal.code") == "0\n"
    assert _out(root, "journal").split() == ["[Journal]", "SystemMaxUse=1G", "MaxRetentionSec=30day"]


def test_a_release_has_a_folder_of_its_own(root: Path) -> None:
    (release,) = [name for name in _out(root, "releases").split() if re.fullmatch(r"[0-9.]+-[0-9a-f]{12}", name)]
    assert (root / "opt/salesedge/current").readlink() == Path("/opt/salesedge") / release


def test_a_kit_does_not_land_in_the_data_folder(root: Path) -> None:
    """Root's own folder cannot be entered by the box's user: the command works in the data folder then."""
    assert _out(root, "kit.code") == "1\n"
    assert "/var/lib/salesedge/kit.html lies in the data folder" in _out(root, "kit")


def test_the_processes_do_not_own_the_tables(root: Path) -> None:
    assert _out(root, "roles").split() == ["salesedge_app|f|f|f", "salesedge_owner|f|f|t"]
    assert _out(root, "keys").strip() == "salesedge 600"
