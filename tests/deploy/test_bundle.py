"""installers/install.sh, and with it ansible/site.yml, on a bare machine that systemd runs: what it leaves behind works.

There is no network: installers/bundle made one file, all comes from it, and the box does its job, also after a restart and an update.
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

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from appliance import __version__
from appliance.domains.branding.rules import packs
from tests.architecture.house import ROOT
from tests.deploy import bare, main_job, updates
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
    """Where all of bundled.sh was done, and of restarted.sh and resumed.sh after a restart each."""
    if reason := bare.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("bundled")
    root, made = folder / "root", folder / "box.release"
    with ThreadPoolExecutor() as pool:  # both wait for the network, and the disk, more than they count
        bundling = pool.submit(_make_bundle, folder, made)
        bare.make(root, bare.this_release())
        bundling.result()
    bundle, _later = (path.rename(root / "srv" / path.name) for path in (made, made.with_name("next.release")))
    with bundle.open("rb") as whole:
        (root / "srv/cut.release").write_bytes(whole.read(CUT_AT))
    for name, key in (("key.pem", KEY), ("other.pem", ANOTHER)):
        (root / "srv" / name).write_bytes(_public(key))
    (root / "out/answers.yml").write_text(ANSWERS)
    for name in ("bundled.sh", "restarted.sh", "resumed.sh", "serving.sh", "main_job.py"):
        shutil.copy(ROOT / "tests/deploy" / name, root / "out")
    bare.boot(root, root / "out/bundled.sh", timeout_s=LIMIT_S)
    bare.boot(root, root / "out/restarted.sh", timeout_s=LIMIT_S)
    bare.boot(root, root / "out/resumed.sh", timeout_s=LIMIT_S)
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


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("flipped", r"debs/\S+\.deb in the release file is not what was signed\. Get the file again\."),
        ("foreign", r"The key /srv/other\.pem did not sign this release file\. It was altered, or comes from somebody else\."),
        ("cut", r"The release file was cut off\. Get it again\."),
    ],
)
def test_a_bundle_that_is_not_its_makers_is_refused_and_changes_nothing(root: Path, name: str, sentence: str) -> None:
    assert bare.said(root, f"{name}.code") == "1\n"
    assert "the bundle was refused; nothing was changed." in bare.said(root, name)
    assert re.search(sentence, bare.said(root, name))
    assert bare.said(root, "before")
    assert set(bare.said(root, "after").splitlines()) ^ set(bare.said(root, "before").splitlines()) == set()


def test_a_box_that_root_tried_before_is_left_alone_and_said(root: Path) -> None:
    said = bare.said(root, "tried")
    assert bare.said(root, "tried.code") == "1\n", said[-4000:]
    assert "/var/lib/salesedge/salesedge.db, /etc/salesedge/master.key. Stop it, then move it aside with" in said
    assert set(bare.said(root, "alone").splitlines()) == {"salesedge.db root", "master.key root"}


def test_it_is_installed_where_no_route_leads_out_and_again_changes_nothing(root: Path) -> None:
    routes = bare.said(root, "routes").splitlines()
    assert [line for line in routes if not line.startswith("Iface") and not line.endswith(" lo")] == []
    for name in ("first", "second"):
        assert bare.said(root, f"{name}.code") == "0\n", bare.said(root, name)[-4000:]
    assert bare.recap(bare.said(root, "first"))["changed"] > 0
    assert bare.recap(bare.said(root, "second"))["changed"] == 0, bare.said(root, "second")
    by_hand = bare.said(root, "second")
    assert re.findall(r"[A-Z][^?\n\]]*\? \[[^]]*\]", by_hand) == [
        "Name people type to reach the box? [box.test]",
        *["Certificate: acme, internal, supplied or none? [internal]"] * 2,
        "Size: small, medium or large? [small]",
    ]
    assert "It has to be one of: acme internal supplied none" in by_hand
    code = re.search(r"Open https://box\.test/setup and enter the one-time code \S+", bare.said(root, "first"))
    assert code is not None, bare.said(root, "first")[-2000:]


def test_the_processes_start_with_the_machine(root: Path) -> None:
    found = set(bare.said(root, "enabled").split())
    expected = {unit.replace("@.", "@1.") for unit in SERVICES} | {"salesedge-worker@2.service", "salesedge.target", RESUME}
    assert found == expected


def test_the_main_job_is_done_there_and_the_answer_names_its_source(root: Path) -> None:
    assert bare.said(root, "first.answer") == f"200 {__version__}\n", bare.said(root, "console")[-4000:]
    assert bare.said(root, "code.code") == "0\n", bare.said(root, "code")
    assert json.loads(bare.said(root, "setup"))["tenant"] == "Solara Energia"
    assert bare.said(root, "job.code") == "0\n", bare.said(root, "job")
    main_job.is_cited(json.loads(bare.said(root, "job")))


def test_after_a_restart_of_the_machine_all_of_it_comes_back_by_itself(root: Path) -> None:
    assert bare.said(root, "again.answer") == f"200 {__version__}\n", bare.said(root, "console")[-4000:]
    running = {line.split()[0] for line in bare.said(root, "again.units").splitlines()}
    assert running >= set(bare.said(root, "enabled").split()) - {RESUME}
    assert bare.said(root, "again.job.code") == "0\n", bare.said(root, "again.job")
    main_job.is_cited(json.loads(bare.said(root, "again.job")))


def test_systemd_starts_again_what_was_killed_and_what_stands_still(root: Path) -> None:
    restarts = {unit: (int(times), state) for unit, times, state in map(str.split, bare.said(root, "killed.units").splitlines())}
    assert restarts.keys() == {"web", "models", "redis", "worker@1", "scheduler", "sessions", "relay"}
    assert all(times >= 1 and state == "active" for times, state in restarts.values()), restarts
    assert "Watchdog timeout" in bare.said(root, "watchdog")
    assert bare.said(root, "logs.code") == "0\n", bare.said(root, "logs")
    assert "Watchdog timeout" in bare.said(root, "logs")
    assert bare.said(root, "killed.answer") == f"200 {__version__}\n"


def test_it_is_updated_and_goes_back_under_systemd(root: Path) -> None:
    assert bare.said(root, "update.code") == "0\n", bare.said(root, "update")
    assert bare.said(root, "updated.answer") == f"200 {NEXT}\n"
    assert bare.said(root, "updated.job.code") == "0\n", bare.said(root, "updated.job")
    main_job.is_cited(json.loads(bare.said(root, "updated.job")))
    assert bare.said(root, "rollback.code") == "0\n", bare.said(root, "rollback")
    assert bare.said(root, "back.answer") == f"200 {__version__}\n"


def test_an_update_that_a_power_cut_interrupted_is_undone_when_the_machine_starts(root: Path) -> None:
    cut, resumed = json.loads(bare.said(root, "cut.journal")), json.loads(bare.said(root, "resumed.journal"))
    assert (cut["step"], cut["outcome"]) == ("gate", None)
    assert (resumed["step"], resumed["outcome"], resumed["halted"]) == ("done", "undone", False), bare.said(root, "resumed.said")
    assert bare.said(root, "resumed.answer") == f"200 {__version__}\n"
    assert bare.said(root, "resumed.job.code") == "0\n", bare.said(root, "resumed.job")
    main_job.is_cited(json.loads(bare.said(root, "resumed.job")))


@pytest.mark.parametrize("asked", ["failed", "again.failed", "resumed.failed"])
def test_nothing_on_the_machine_has_failed(root: Path, asked: str) -> None:
    assert (bare.said(root, f"{asked}.code"), bare.said(root, asked)) == ("0\n", "")


@pytest.mark.parametrize("asked", ["first.status", "again.status", "killed.status", "resumed.status", "doctor"])
def test_all_processes_are_well_and_the_doctor_finds_what_it_needs(root: Path, asked: str) -> None:
    depends = {"memory", "disk", "shared memory", "files", "swap"}  # on the machine of the test
    depends |= {"backups"}  # on whether the first one was tried by then: nobody made the folder of the second target
    found = json.loads(bare.said(root, asked))
    assert {name for name, finding in found.items() if not finding["ok"]} - depends == set(), found


def test_models_brand_and_key_came_along(root: Path) -> None:
    assert [each["name"] for each in json.loads(bare.said(root, "models")) if each["installed"] and each["name"] == "tiny"] == ["tiny"]
    assert bare.said(root, "verified.code") == "0\n", bare.said(root, "verified")
    assert json.loads(bare.said(root, "brand"))["name"] == "Aurora"
    assert bare.said(root, "trusted") == "first.pem root 644\n"
    assert (root / "opt/salesedge/release-keys/first.pem").read_bytes() == _public(KEY)


def test_the_machines_own_sources_stay_as_they_were(root: Path) -> None:
    assert bare.said(root, "sources.after") == bare.said(root, "sources.before") != ""
    assert "pip.conf" not in bare.said(root, "sources.after")
    assert "bundle" not in bare.said(root, "releases").split()


def test_settings_reach_what_stands_around_the_box(root: Path) -> None:
    """The port reaches the proxy, as the answer over TLS shows; targets of both ways may be written to."""
    assert bare.said(root, "exceptions").splitlines()[2:] == ["ReadWritePaths=-/var/backups/salesedge", "ReadWritePaths=-/srv/backups"]
    assert "systemd-journal" in bare.said(root, "groups").split()


def test_the_firewall_adds_to_what_is_there_and_leaves_ssh_open(root: Path) -> None:
    said = bare.said(root, "firewall")
    assert "flush ruleset" in said  # the distribution's own file
    assert 'include "/etc/nftables.d/salesedge.nft"' in said
    assert "tcp dport { 22, 80, 443, 2222 } accept" in said
    assert "policy drop" not in said.partition("chain forward")[2].partition("table inet salesedge")[0]


def test_the_journal_is_limited_where_systemd_reads_it(root: Path) -> None:
    """All processes of the box log there, so that nothing else has to be rotated."""
    assert bare.said(root, "journal.code") == "0\n"
    assert bare.said(root, "journal").split() == ["[Journal]", "SystemMaxUse=1G", "MaxRetentionSec=30day"]


def test_a_release_has_a_folder_of_its_own(root: Path) -> None:
    (release,) = [name for name in bare.said(root, "releases").split() if re.fullmatch(r"[0-9.]+-[0-9a-f]{12}", name)]
    assert (root / "opt/salesedge/current").readlink() == Path("/opt/salesedge") / release


def test_a_kit_does_not_land_in_the_data_folder(root: Path) -> None:
    """Root's own folder cannot be entered by the box's user: the command works in the data folder then."""
    assert bare.said(root, "kit.code") == "1\n"
    assert "/var/lib/salesedge/kit.html lies in the data folder" in bare.said(root, "kit")


def test_the_processes_do_not_own_the_tables(root: Path) -> None:
    assert bare.said(root, "roles").split() == ["salesedge_app|f|f|f", "salesedge_owner|f|f|t"]
    assert bare.said(root, "keys").strip() == "salesedge 600"
